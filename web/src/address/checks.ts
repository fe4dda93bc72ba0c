// Small checks of what comes from outside, put together like the types that they check for.

export type Check<T> = (value: unknown) => value is T;

export const isText = (value: unknown): value is string => typeof value === 'string';
export const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
export const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value);
export const isWhole = (value: unknown): value is number =>
  isNumber(value) && Number.isSafeInteger(value) && value >= 0;

export const isList = (value: unknown, maxLength: number): value is unknown[] =>
  Array.isArray(value) && value.length <= maxLength;

export const isTuple =
  <T>(check: Check<T>, length: number): Check<T[]> =>
  (value): value is T[] =>
    Array.isArray(value) && value.length === length && value.every(check);

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isRecord =
  <T>(check: (value: unknown) => value is T): Check<Record<string, T>> =>
  (value): value is Record<string, T> =>
    isPlain(value) && Object.values(value).every(check);

/** An object with these fields and no others; those named as optional may be missing. */
export const isObject =
  <T extends object>(
    checks: { [Key in keyof T]-?: Check<Exclude<T[Key], undefined>> },
    optional: (keyof T & string)[] = [],
  ): Check<T> =>
  (value): value is T =>
    isPlain(value) &&
    Object.keys(value).every((key) => Object.hasOwn(checks, key)) &&
    Object.entries<Check<unknown>>(checks).every(([key, check]) =>
      key in value ? check(value[key]) : optional.some((name) => name === key),
    );
