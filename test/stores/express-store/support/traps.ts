export type Callback = (error?: unknown, value?: unknown) => void;
