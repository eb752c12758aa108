/**
 * Sessions in Redis or Valkey.
 *
 * @module token-sessions/redis
 */

export type { IoredisClient } from './clients/ioredis-shapes.js';
export type { NodeRedisClient } from './clients/node-redis-shapes.js';
export type { UpstashClient } from './clients/upstash.js';
export { type RedisClient, type RedisStoreOptions, redisStore } from './store.js';
export type { RedisStore } from './verbs.js';
