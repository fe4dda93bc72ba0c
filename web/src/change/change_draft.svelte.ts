import type { Box, Branch, ChangeRequest, Contrast, Range } from '../engine/engine';
import { middleBox, type Size } from './box';

export const CHANGE_KINDS = [
  'word',
  'prompt',
  'guidance',
  'noise',
  'move',
  'swap',
  'remaining',
  'turn',
] as const;

export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** Solvers that always add noise on their way. */
const NOISY_SOLVERS = ['ddpm', 'dpmpp_2m_sde'];
export const addsNoise = (solver: string): boolean => NOISY_SOLVERS.includes(solver);

export const BOX_KINDS: readonly ChangeKind[] = ['noise', 'move', 'swap'];

/** What the form of changes holds. */
export class ChangeDraft {
  kind = $state<ChangeKind>('word');
  prompt = $state('');
  /** Words of a prompt that can be exchanged, and which of them by what. */
  contrastsOf = $state('');
  contrasts = $state.raw<Contrast[]>([]);
  word = $state(0);
  alternative = $state('');
  guidance = $state(0);
  windowed = $state(false);
  window = $state.raw<Range>([-2, 1]);
  seed = $state(1);
  box = $state.raw<Box>([0, 0, 1, 1]);
  /** Where the box of a move goes: its own size, another place. */
  target = $state.raw<Box>([0, 0, 1, 1]);
  otherPicture = $state(1);
  /** On what the boxes are drawn: what comes of the noise, or what the model expects at this level. */
  ground = $state<'finished' | 'estimate'>('finished');

  constructor(size: Size) {
    this.box = middleBox(size);
    this.target = [0, 0, this.box[2], this.box[3]];
  }

  /** What is to be asked for at a step, `picture` being the one that the box is drawn on; null while something is missing. */
  request(step: number, branch: Branch, picture: number): ChangeRequest | null {
    const { box, seed } = this;
    switch (this.kind) {
      case 'word':
        return this.wordRequest(step, branch);
      case 'prompt':
        return this.prompt ? { step, prompt: this.prompt } : null;
      case 'guidance':
        return { step, guidance: this.guidance, ...(this.windowed ? { window: this.window } : {}) };
      case 'noise':
        return { step, noise: { box, seed } };
      case 'move':
        return { step, move: { box, to: [this.target[0], this.target[1]] } };
      case 'swap':
        return branch.pictures > 1 ? { step, swap: { box, picture: this.otherPicture, of: picture } } : null;
      case 'remaining':
        return { step, remaining_seed: seed };
      case 'turn':
        return { step, turn: true, seed };
    }
  }

  private wordRequest(step: number, { prompt }: Branch): ChangeRequest | null {
    const contrast = this.contrasts[this.word];
    if (!contrast || !this.alternative || this.contrastsOf !== prompt) return null;
    return { step, prompt: prompt.slice(0, contrast.start) + this.alternative + prompt.slice(contrast.end) };
  }
}
