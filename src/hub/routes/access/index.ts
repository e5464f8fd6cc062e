import { readAudit } from './audit.ts';
import { beginOidc, finishOidc, loginWays, signOutOidc } from './oidc.ts';
import { login, logout, proveSession, showSession } from './session.ts';
import {
  endOtherSessions,
  endOwnSession,
  endSession,
  endUserSessions,
  listOwnSessions,
  listSessions,
  setOwnPassword,
} from './sessions.ts';
import { createToken, listTokens, revokeToken } from './tokens.ts';
import { addUser, disableUser, enableUser, readUsers, removeUser, setPassword, setRoles, showUser } from './users.ts';

/** Who may do what, who is logged in, and who did what. */
export const accessRoutes = [
  login,
  loginWays,
  beginOidc,
  finishOidc,
  signOutOidc,
  showSession,
  proveSession,
  logout,
  setOwnPassword,
  listOwnSessions,
  endOwnSession,
  endOtherSessions,
  readUsers,
  showUser,
  addUser,
  setRoles,
  setPassword,
  disableUser,
  enableUser,
  removeUser,
  endUserSessions,
  listSessions,
  endSession,
  listTokens,
  createToken,
  revokeToken,
  readAudit,
];
