import type { Box, ChangeRequest, DrawRequest, Range, Recipe, Setting } from '../engine/engine';
import {
  isBoolean,
  isList,
  isNumber,
  isObject,
  isRecord,
  isText,
  isTuple,
  isWhole,
  type Check,
} from './checks';

/** What an address holds: how to draw what is looked at, and how it is looked at. */
export interface Address {
  /** Name of the model that drew it. */
  model: string;
  recipe: Recipe;
  /** The branches beside it. */
  compared: Recipe[];
  state: number;
  picture: number;
  plane: string;
  range: Range | null;
}

const VERSION = 'v1.';
const MAX_LENGTH = 16384;
const MAX_CHANGES = 200;
const MAX_COMPARED = 16;
const MAX_ITEMS = 1000;

const isRange = isTuple(isNumber, 2) as Check<Range>;
const isSetting = (value: unknown): value is Setting =>
  isNumber(value) || isBoolean(value) || isText(value) || isSettings(value);
const isSettings = (value: unknown): value is number[] | string[] =>
  isList(value, MAX_ITEMS) && (value.every(isNumber) || value.every(isText));

type Swap = NonNullable<ChangeRequest['swap']>;

const isBox = isTuple(isWhole, 4) as Check<Box>;
const isPlace = isTuple(isWhole, 2) as Check<[number, number]>;

const isDraw = isObject<DrawRequest>(
  {
    prompt: isText,
    negative_prompt: isText,
    seed: isWhole,
    pictures: isWhole,
    options: isRecord(isSetting),
  },
  ['negative_prompt', 'seed', 'pictures', 'options'],
);

const isChange = isObject<ChangeRequest>(
  {
    step: isWhole,
    prompt: isText,
    guidance: isNumber,
    window: isRange,
    noise: isObject({ box: isBox, seed: isWhole }),
    move: isObject({ box: isBox, to: isPlace }),
    swap: isObject<Swap>({ box: isBox, picture: isWhole, of: isWhole }, ['of']),
    remaining_seed: isWhole,
    turn: isBoolean,
    seed: isWhole,
  },
  ['prompt', 'guidance', 'window', 'noise', 'move', 'swap', 'remaining_seed', 'turn', 'seed'],
);

const isRecipe: Check<Recipe> = (value): value is Recipe =>
  isList(value, MAX_CHANGES + 1) && isDraw(value[0]) && value.slice(1).every(isChange);

const isAddress = isObject<Address>({
  model: isText,
  recipe: isRecipe,
  compared: (value): value is Recipe[] => isList(value, MAX_COMPARED) && value.every(isRecipe),
  state: isWhole,
  picture: isWhole,
  plane: isText,
  range: (value): value is Range | null => value === null || isRange(value),
});

/** The fragment of an address, without "#"; null if it would be too long. */
export function encode(address: Address): string | null {
  const bytes = new TextEncoder().encode(JSON.stringify(address));
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  const fragment = VERSION + base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  return fragment.length > MAX_LENGTH ? null : fragment;
}

/** What a fragment holds; null if it is none of ours, damaged, too long or of another version. */
export function decode(fragment: string): Address | null {
  if (!fragment.startsWith(VERSION) || fragment.length > MAX_LENGTH) return null;
  try {
    const base64 = fragment.slice(VERSION.length).replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return isAddress(value) ? value : null;
  } catch {
    return null;
  }
}
