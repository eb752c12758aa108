import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The session id in a cookie that express-session signed (`s:<id>.<HMAC-SHA256 of the id>`, in
 * base64 without padding). `undefined` if none of the secrets signed it.
 */
export function verifiedSid(signed: string, secrets: readonly string[]): string | undefined {
  const dot = signed.lastIndexOf('.');
  if (!signed.startsWith('s:') || dot <= 2) return undefined;
  const sid = signed.slice(2, dot);
  const signature = Buffer.from(signed.slice(dot + 1));
  // Every secret is tried, so that the time does not show which one fits.
  const fitting = secrets.filter((secret) => isSame(signature, Buffer.from(sign(sid, secret))));
  return fitting.length > 0 ? sid : undefined;
}

function sign(sid: string, secret: string): string {
  return createHmac('sha256', secret).update(sid).digest('base64').replace(/=+$/, '');
}

function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
