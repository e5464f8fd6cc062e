import { Document, type Scalar } from 'yaml';

export interface PlanDraft {
  /** Lines of the comment at the top. */
  readonly comment: readonly string[];
  /** Keys in their order; undefined ones are left out. */
  readonly plan: Readonly<Record<string, unknown>>;
  /** A word behind `vm.path`. */
  readonly besidePath?: string | undefined;
}

/** A plan as YAML with comments; the comments must not hold control characters. */
export function composePlan({ comment, plan, besidePath }: PlanDraft): string {
  const document = new Document(JSON.parse(JSON.stringify(plan)) as object);
  document.commentBefore = comment.map((line) => (line === '' ? '' : ` ${line}`)).join('\n');
  const path = document.getIn(['vm', 'path'], true) as Scalar | undefined;
  if (path && besidePath !== undefined) path.comment = ` ${besidePath}`;
  return document.toString({ lineWidth: 0, singleQuote: true });
}
