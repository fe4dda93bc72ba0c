import { describe, expect, it } from 'vitest';
import type { Option } from '../engine/engine';
import { en } from '../i18n/en';
import { controlOf, formOf, rangeText, settingsOf, valueOf, withValue } from './option';

const levels: Option = { name: 'log_snrs', help: '', type: 'list', default: [-3, 0.5], min: -20, below: 20 };
const scale: Option = { name: 'scale', help: '', type: 'float', default: 1, above: 0, max: 100000 };
const highest: Option = { name: 'highest', help: '', type: 'float', default: '.inf', min: 0 };

describe('option', () => {
  it('is a text in the form where it is a list, and a list when it is sent', () => {
    expect(valueOf(levels, {})).toBe('-3, 0.5');
    expect(settingsOf([levels, scale], { log_snrs: '-4, ,1' })).toEqual({ log_snrs: [-4, 1] });
    expect(formOf({ log_snrs: [-4, 1] })).toEqual({ log_snrs: '-4, 1' });
  });

  it('is a number again when it is sent, even if it has no end by default', () => {
    expect(controlOf(highest)).toBe('text');
    expect(settingsOf([highest], { highest: '5' })).toEqual({ highest: 5 });
    expect(settingsOf([highest], { highest: '.inf' })).toEqual({ highest: '.inf' });
  });

  it('leaves to the studio what was not set, and what was set back to its default', () => {
    const form = withValue(scale, {}, 2);
    expect(settingsOf([levels, scale], form)).toEqual({ scale: 2 });
    expect(withValue(scale, form, 1)).toEqual({});
  });

  it('says its bounds, but not those that only catch nonsense', () => {
    expect(rangeText(levels, en.parts)).toBe('at least -20, below 20');
    expect(rangeText(scale, en.parts)).toBe('above 0');
  });
});
