import type { SourceLogin } from '../source-kind.ts';
import { noLogin } from './vsphere-spec.ts';

export const vsphereLogin: SourceLogin<'vsphere'> = {
  title: 'vSphere',
  credential: ({ credential }) => credential ?? null,
  account: ({ credential, name, user }, settings) => {
    if (credential !== null) return { credential };
    if (settings?.password === undefined) throw noLogin(name);
    return { user, password: settings.password };
  },
  toWire: ({ user, password }) => ({ vcenter_user: user, vcenter_password: password }),
  fromWire: ({ vcenter_user: user, vcenter_password: password }) =>
    password === null || password === undefined ? null : { user: user ?? '', password },
  secretFields: ['vcenter_password'],
  // A stored credential brings its own user.
  testRequest: (spec, { user, password }) => ({
    source: { ...spec, user },
    vcenter_user: user,
    vcenter_password: password,
  }),
};
