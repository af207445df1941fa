/** What a device needs of whoever looks after it: what is most urgent first. */
export const ATTENTION = ["alarm", "acknowledged", "stale", "stuck", "recent", "learning", "fine"] as const;
export type Attention = (typeof ATTENTION)[number];
