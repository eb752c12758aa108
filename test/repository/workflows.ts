import { parse } from 'yaml';

/** The names that workflows may use: the steps of `.ci/run`, and the scripts of package.json. */
export interface Known {
  readonly steps: readonly string[];
  readonly scripts: readonly string[];
}

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly steps?: readonly Step[];
}

export interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: unknown;
  readonly jobs?: Readonly<Record<string, Job>>;
}

export function readWorkflow(text: string): Workflow {
  return parse(text);
}

/** The faults of a workflow. Empty for a good one. */
export function workflowProblems(text: string, known: Known): string[] {
  const workflow = readWorkflow(text);
  const jobs = Object.entries(workflow.jobs ?? {});
  return [
    ...(jobs.length === 0 ? ['it has no jobs'] : []),
    ...(workflow.permissions === undefined ? ['it has no permissions of its own'] : []),
    ...writes(workflow.permissions).map((name) => `every job may write ${name}`),
    ...(workflow.concurrency === undefined ? ['it has no concurrency group'] : []),
    ...(/\bsecrets\./.test(text) ? ['it uses a secret'] : []),
    ...unpinned(text),
    ...jobs.flatMap(([name, job]) => jobProblems(job, known).map((problem) => `${name}: ${problem}`)),
  ];
}

/** The scopes that a job may write, of all jobs. */
export function writesOf(workflow: Workflow): string[] {
  return Object.values(workflow.jobs ?? {}).flatMap(({ permissions }) => writes(permissions));
}

/** Each action with the commit and the version that its comment names. */
export function actionsOf(text: string): { readonly name: string; readonly pin: string }[] {
  return [...text.matchAll(/uses: ([\w./-]+)@(.*)$/gm)].map(([, name = '', pin = '']) => ({ name, pin }));
}

/** The steps of `.ci/run` that a workflow runs. */
export function stepsOf(text: string): string[] {
  return Object.values(readWorkflow(text).jobs ?? {}).flatMap((job) => commandsOf(job).flatMap(stepsIn));
}

function writes(permissions: Readonly<Record<string, string>> = {}): string[] {
  return Object.keys(permissions).filter((name) => permissions[name] !== 'read' && permissions[name] !== 'none');
}

function unpinned(text: string): string[] {
  const actions = actionsOf(text);
  const uses = [...text.matchAll(/\buses:/g)].length;
  return [
    ...(uses === actions.length ? [] : ['an action has no version']),
    ...actions
      .filter(({ pin }) => !/^[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(pin))
      .map(({ name }) => `${name} is not pinned by a commit and its version`),
  ];
}

function jobProblems(job: Job, known: Known): string[] {
  const runs = commandsOf(job);
  return [
    ...(job['timeout-minutes'] === undefined ? ['it has no timeout'] : []),
    ...runs.filter((run) => run.includes('${{')).map((run) => `a command is put together from an expression: ${run}`),
    ...runs.flatMap((run) => unknownScripts(run, known.scripts)),
    ...runs
      .flatMap(stepsIn)
      .filter((name) => !known.steps.includes(name))
      .map((name) => `.ci/run has no step ${name}`),
  ];
}

/** Scripts that a command calls by `npm run` and that package.json does not have. */
export function unknownScripts(command: string, scripts: readonly string[]): string[] {
  const called = [...command.matchAll(/npm run (?:--[\w-]+ )*([\w:-]+)/g)].map(([, name = '']) => name);
  return called.filter((name) => !scripts.includes(name)).map((name) => `package.json has no script ${name}`);
}

function commandsOf({ steps = [] }: Job): string[] {
  return steps.flatMap(({ run }) => run ?? []);
}

/** The steps of `.ci/run` in a command. */
function stepsIn(command: string): string[] {
  const calls = [...command.matchAll(/\.ci\/run((?: [\w-]+)*)/g)];
  return calls.flatMap(([, names = '']) => names.split(' ').filter((name) => name !== ''));
}
