/** The calls that a device can make to the server, over tRPC or GraphQL. */
export interface Api {
  login(credentials: { name: string; password: string; device: string }): Promise<unknown>;
  me(): Promise<User>;
  countUp(): Promise<number>;
  devices(): Promise<readonly DeviceOfUser[]>;
  endDevice(id: string): Promise<unknown>;
  rotate(): Promise<unknown>;
  confirm(password: string): Promise<unknown>;
  recoveryCode(): Promise<string>;
  logout(): Promise<unknown>;
  logoutEverywhere(): Promise<unknown>;
  /** Subscribes to live updates. Returns what ends the subscription. */
  news(listener: NewsListener): () => void;
  /** Closes the sockets. */
  close(): void;
}

export interface User {
  readonly userId: string;
  readonly count: number;
}

export interface DeviceOfUser {
  readonly id: string;
  readonly device: string;
  readonly isCurrent: boolean;
  readonly createdAt: number;
}

export interface NewsListener {
  onNews(news: { readonly type: string; readonly count?: number | null }): void;
  /** The server has ended the subscription, or has refused it. */
  onEnd(): void;
}
