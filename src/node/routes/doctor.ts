import type { DoctorOutput } from '../../schemas/types.ts';
import { defineRoute } from './route.ts';

export const askDoctor = defineRoute({
  id: 'askDoctor',
  method: 'POST',
  path: '/api/v1/doctor',
  tag: 'node',
  summary: 'What is wrong with the node, and what to do',
  description:
    'As `sendense-node doctor --json`, in this process: tools, state folder, token, API, enrolment, the link.',
  changes: false,
  answers: { 200: { description: 'The checks.', schema: 'output/doctor.json' } },
  errors: [],
  patient: true,
  handle: ({ parts }): Promise<DoctorOutput> => parts.doctor(),
});
