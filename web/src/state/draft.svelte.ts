import type { DrawRequest, Option } from '../engine/engine';
import { formOf, settingsOf, type Form } from '../parts/option';

/** What the form of drawing holds, before it is asked for. */
export class Draft {
  prompt = $state('');
  negative_prompt = $state('');
  seed = $state(0);
  pictures = $state(1);
  /** Options that differ from the model's defaults. */
  options = $state.raw<Form>({});

  /** `options`: those of the model. */
  request(options: Option[]): DrawRequest {
    const { prompt, negative_prompt, seed, pictures } = this;
    return { prompt, negative_prompt, seed, pictures, options: settingsOf(options, this.options) };
  }

  take(request: DrawRequest): void {
    this.prompt = request.prompt;
    this.negative_prompt = request.negative_prompt ?? '';
    this.seed = request.seed ?? 0;
    this.pictures = request.pictures ?? 1;
    this.options = formOf(request.options ?? {});
  }
}
