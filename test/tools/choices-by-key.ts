interface Schema {
  readonly [keyword: string]: unknown;
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

/**
 * The same schema in a form in which ajv fills in defaults. It does so in a choice (`oneOf`) only where a discriminator tells the
 * alternatives apart; here a key does, which one alternative requires and no other knows.
 */
export function choicesByKey<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(choicesByKey) as T;
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [name, choicesByKey(value)]),
  ) as Schema;
  const keys = inner['discriminator'] === undefined ? keysOf(inner.oneOf ?? []) : null;
  if (keys === null) return inner as T;
  const { oneOf = [], ...rest } = inner;
  return {
    ...rest,
    type: 'object',
    dependentSchemas: Object.fromEntries(keys.map((key, index) => [key, oneOf[index]])),
    oneOf: keys.map((key) => ({ required: [key] })),
  } as T;
}

/** The key of each alternative; null where they are told apart in another way, or have no defaults. */
function keysOf(alternatives: readonly Schema[]): string[] | null {
  if (!alternatives.some(({ properties = {} }) => Object.values(properties).some((value) => 'default' in value)))
    return null;
  const keys = alternatives.map((one) =>
    one.required?.find(
      (key) => !alternatives.some((other) => other !== one && Object.hasOwn(other.properties ?? {}, key)),
    ),
  );
  return keys.every((key) => key !== undefined) ? keys : null;
}
