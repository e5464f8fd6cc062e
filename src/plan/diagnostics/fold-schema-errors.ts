import type { ErrorObject } from 'ajv';
import { didYouMean } from '../../errors/findings/did-you-mean.ts';
import { pathOf } from '../yaml/document.ts';
import { branchesOf, childOf, keysOf, typesOf, type SchemaNode } from './schema-node.ts';
import { typeOfValue } from '../../errors/findings/words.ts';

/** ajv's errors without its noise: one for each mistake. */
export const foldSchemaErrors = (errors: readonly ErrorObject[], root: SchemaNode): ErrorObject[] =>
  withoutEchoes(foldBranches(errors, root), root);

/** The schema at a path of the value; `undefined` where the value has what the schema does not know. */
export const schemaAt = (root: SchemaNode, pointer: string): SchemaNode | undefined =>
  pathOf(pointer).reduce<SchemaNode | undefined>(
    (at, part) => at && (childOf(at, part) ?? childOf(at, Number(part))),
    root,
  );

/** ajv reports every branch of oneOf/anyOf and then the whole; only the branch that was meant is kept, or only the whole. */
function foldBranches(errors: readonly ErrorObject[], root: SchemaNode): ErrorObject[] {
  let kept = [...errors];
  for (const whole of errors.filter((error) => error.keyword === 'oneOf' || error.keyword === 'anyOf')) {
    const at = whole.instancePath;
    if (isStepChoice(whole)) {
      kept = kept.filter((error) => error.instancePath !== at || error.keyword !== 'required');
      continue;
    }
    const type = typeOfValue(whole.data);
    const schema = schemaAt(root, at);
    const fits = branchesOf(schema ?? { schema: {}, file: '' }).some(
      (branch) => typesOf(branch)?.includes(type) ?? true,
    );
    const others = otherBranches(errors, whole);
    kept = kept.filter((error) => {
      if (error === whole) return !fits;
      if (others.has(error)) return false;
      const inside = error.instancePath === at || error.instancePath.startsWith(`${at}/`);
      return !inside || (fits && !(error.instancePath === at && error.keyword === 'type'));
    });
  }
  return kept;
}

/** Where the value has the form of one branch, and only something in it is wrong: what all other branches say. */
function otherBranches(errors: readonly ErrorObject[], whole: ErrorObject): Set<ErrorObject> {
  const start = `${whole.schemaPath}/`;
  const deeper = `${whole.instancePath}/`;
  const byBranch = Map.groupBy(
    errors.filter(
      ({ schemaPath, instancePath }) =>
        schemaPath.startsWith(start) || (instancePath.startsWith(deeper) && /^#\/[A-Za-z]+$/.test(schemaPath)),
    ),
    // What a branch refers to does not say of which branch it is.
    ({ schemaPath }) => (schemaPath.startsWith(start) ? (schemaPath.slice(start.length).split('/')[0] ?? '') : '$ref'),
  );
  const branches = [...byBranch.values()];
  const others = branches.filter((own) => own.some(({ instancePath }) => instancePath === whole.instancePath));
  return new Set(branches.length - others.length === 1 ? others.flat() : []);
}

/** `steps` entries: either `uses` or `run`. */
export const isStepChoice = (error: ErrorObject): boolean =>
  'uses' in ((error.parentSchema?.['properties'] as object | undefined) ?? {});

/** A misspelt key is one mistake, not also a missing key; a wrong name of a key is one, not two. */
function withoutEchoes(errors: readonly ErrorObject[], root: SchemaNode): ErrorObject[] {
  const meant = new Set<string>();
  for (const error of errors) {
    if (error.keyword !== 'additionalProperties') continue;
    const known = keysOf(
      schemaAt(root, error.instancePath) ?? { schema: error.parentSchema as Record<string, unknown>, file: root.file },
    );
    const suggestion = didYouMean(String(error.params['additionalProperty']), known);
    if (suggestion !== null) meant.add(`${error.instancePath}/${suggestion}`);
    if (isSecretReference(error)) meant.add(`${error.instancePath}/secret`);
  }
  const wrongTags = new Set(
    errors
      .filter((error) => error.keyword === 'discriminator')
      .map((error) => `${error.instancePath}/${String(error.params['tag'])}`),
  );
  return errors.filter((error) => {
    if (error.keyword === 'required' && meant.has(`${error.instancePath}/${String(error.params['missingProperty'])}`))
      return false;
    if (error.keyword === 'discriminator' && error.params['error'] === 'tag' && isMissing(error)) return false;
    if (isStepChoice(error) && error.keyword === 'oneOf')
      return !meant.has(`${error.instancePath}/uses`) && !meant.has(`${error.instancePath}/run`);
    if (error.propertyName !== undefined && error.keyword !== 'propertyNames') return false;
    return error.keyword === 'discriminator' || !wrongTags.has(error.instancePath);
  });
}

const isMissing = (error: ErrorObject): boolean => !Object.hasOwn(error.data as object, String(error.params['tag']));

export const isSecretReference = (error: ErrorObject): boolean => {
  const properties = (error.parentSchema?.['properties'] as Record<string, unknown> | undefined) ?? {};
  return 'secret' in properties || ('systemd' in properties && 'command' in properties);
};
