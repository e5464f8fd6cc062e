/** The rules of a retention that count restore points. */
export const ruleNames = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
