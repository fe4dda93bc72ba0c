// The guided tour in English. {names} in braces are filled with what was measured on the reader's own pictures.

export const tourEn = {
  title: 'Guided tour',
  steps: 'Steps of the tour',
  progress: (answered: string, all: string, tried: string) =>
    `${answered} of ${all} answered${tried === '0' ? '' : `, ${tried} tried`}`,
  position: (step: string, all: string) => `Step ${step} of ${all}`,
  answered: 'answered',
  tried: 'tried, not right yet',
  toDo: 'To do',
  done: 'done',
  open: (area: string) => `Open “${area}”`,
  check: 'Check my answer',
  checkPlace: 'I am there: check',
  checking: 'Measuring …',
  first: 'Do what is listed first; then the answer can be checked.',
  right: 'Right.',
  wrong: 'Not quite.',
  back: 'Back',
  next: 'Next',
  leave: 'Leave the tour',
  leaveHelp: 'It goes on here when you open it again.',
  restart: 'Start over',
  never: 'never',
  missing: 'What the question is about is not there any more: do what is listed again.',
  unmeasured: 'an amount that was not measured',
  unable: 'This model cannot show this step: go on to the next.',
  step: {
    noise: {
      title: 'What noise is',
      text: 'A diffusion model draws backwards: it starts with a picture of pure random numbers and takes the noise away in small steps. The noise level is said as log-SNR: very negative is all noise, positive is nearly clean.',
      tasks: { drawn: 'Draw a picture.', start: 'Move the slider above the pictures to its very start.' },
      question: 'What can be read off the noisy picture there?',
      options: ['The shapes already', 'A rough outline', 'Nothing'],
      answer:
        'At log-SNR {level} the noisy picture has {share} of its variation in common with the finished one. The rest is chance, and the prompt cannot be seen in it.',
    },
    estimate: {
      title: 'The clean estimate',
      text: 'At every level the model is asked one thing: what is the clean picture under this noise? Its answer is the clean estimate. At first it is a blur of everything that could still come; then it becomes one picture.',
      tasks: {
        plane: 'Show the clean estimate large.',
        walk: 'Move the slider slowly, or press Play, over at least half of the levels.',
      },
      question:
        'Where does the estimate of “{branch}” first look like its finished picture? Put the slider there.',
      options: [],
      answer:
        'Of “{branch}”: from log-SNR {level} on (state {state}) the estimate shares nine tenths of its variation with the finished picture; the noisy picture itself only from state {noisy}. You chose state {chosen}. The model knows long before one can see it.',
    },
    decided: {
      title: 'When colour, shape and place are decided',
      text: 'Each word rules out alternatives: “red” is not “blue”. The decision curve shows how sure the model is of a word, given all it has seen down to a level. Half way up, the word is decided. Not all words are decided at the same level.',
      tasks: {
        why: 'Ask why: the words of your picture.',
        word: 'Point at a word and look at its curve.',
      },
      question: 'Put the slider where “{word}” was decided.',
      options: [],
      answer:
        '“{word}” was half decided at log-SNR {half}; the slider stands at {chosen}. In the order of decision: {order}.',
    },
    prompt: {
      title: 'What the prompt adds',
      text: 'The model predicts the noise twice: once with your prompt and once without. The difference is what the prompt says at this level that the noisy picture does not say itself. It should be small where all is settled.',
      tasks: {
        plane: 'Show large what the prompt changes.',
        walk: 'Look at it at five levels at least.',
      },
      question: 'Where does the prompt say most? Put the slider there.',
      options: [],
      answer:
        'The clean estimates with and without prompt differ most at log-SNR {level}: by {peak} a pixel on average (root mean square), against {chosen} where you stand and {last} at the cleanest level that the model is trusted at. {outcome}',
      outcomes: [
        'Before that little can be known yet, after it most is settled.',
        'That it grows to the end is no knowledge: where hardly any noise is left, a network errs a little, with the prompt and without it, each in its own way.',
        'Near pure noise the picture itself says nothing yet, so all that is known comes from the prompt; later the picture says it, too.',
      ],
    },
    guidance: {
      title: 'What guidance does',
      text: 'Guidance multiplies what the prompt adds. Scale 1 takes it as it is; larger scales exaggerate it. That obeys the prompt more, and is no longer what the model believes.',
      tasks: {
        pair: 'Draw the same picture with another guidance: same prompt, same seed.',
      },
      question: 'What did the stronger guidance do to the picture?',
      options: [
        'Its colours became stronger',
        'Its colours became weaker',
        'Something moved or became another, the colours stayed as strong',
        'Nothing that one could see',
      ],
      answer:
        'From guidance {weak} to {strong} the mean distance from grey changed by {contrast}, and {moved} of the pixels changed visibly.',
    },
    first_noise: {
      title: 'What the first noise fixes',
      text: 'The prompt says what, not where exactly: what it leaves open, noise decides. Some solvers add noise on their way; “ddim”, “euler”, “heun” and “dpmpp_2m” do not. With them everything is decided by the first noise: the same seed always gives the same picture, another seed another one.',
      tasks: {
        solver: 'Choose the solver “dpmpp_2m” and draw.',
        seed: 'Draw the same prompt with another seed.',
        box: 'Go to the first state, drag a large box over one of the things and draw its noise anew.',
      },
      question: 'Where did the picture change when the noise of the box was new?',
      options: [
        'Mostly inside the box',
        'Mostly outside',
        'Inside and outside alike',
        'Nowhere that one could see',
      ],
      answer:
        'Inside the box the pixels changed by {inside} of their range on average, outside by {outside}. {outcome}',
      outcomes: [
        'The noise under a place decides most of what comes to stand there.',
        'The noise of a box can decide things that stand outside of it, too.',
        'The noise of one place has its say everywhere.',
        'What stands here was decided by other noise: try a larger box, over one of the things.',
      ],
    },
    late: {
      title: 'Changing one word late or early',
      text: 'Go back to a level, change one word and draw on under the same noise. Before the word was decided the new word can still win; afterwards the picture has made up its mind.',
      tasks: {
        early: 'Change a word early: before its level of decision (or in the first half).',
        late: 'Change the word of the same picture late: well after it was decided (or in the second half).',
      },
      question: 'Which change altered the picture more?',
      options: ['The early one', 'The late one', 'Both alike'],
      answer:
        'The early change (log-SNR {early_level}) moved the pixels by {early} of their range on average, the late one (log-SNR {late_level}) by {late}.',
    },
    pixels: {
      title: 'Which pixels belong to a word',
      text: 'Evidence is counted in nats: how much a pixel spoke for this word and against its alternatives. Red pixels of a map spoke for the word, blue ones against it. The map of a word sums to what was decided.',
      tasks: {
        why: 'Ask why about the picture that is shown.',
        word: 'Point at “{word}” and look at its map.',
        pixel: 'Point at any pixel: its words are ranked beside it.',
      },
      question: 'Point at a pixel that belongs to “{word}”: where this word is ranked first.',
      options: [],
      answer: 'At {x}, {y} the words are, by size: {ranked}.',
    },
    copies: {
      title: 'Does it copy its training pictures?',
      text: 'A model that had learned its pictures by heart would draw the same few again and again. A first test is to draw one prompt under different noise and to compare.',
      tasks: {
        seeds: 'Have two pictures of one prompt: two seeds, or several pictures side by side.',
        beside:
          'Look at them side by side: compare the two branches, or look at a branch of several pictures.',
      },
      question: 'How many of the pixels differ visibly between the two?',
      options: ['Fewer than one in a hundred', 'Up to half', 'More than half'],
      answer: '{share} of the pixels differ visibly. {kind}',
      kind: {
        world:
          'This model is the exact answer to a world of two objects: it was computed, not trained, and has no training pictures that it could copy.',
        pictures:
          'This model is the exact answer to the given pictures: it can draw nothing else, so each of its pictures is one of them. Copying is what a perfect score on a finite set means.',
        run: 'Different pictures under one prompt are a good sign, not a proof: “noisescope report” holds the network’s errors against those of a model that knows all its pictures by heart.',
        function:
          'Different pictures under one prompt are a good sign, not a proof: for that, each has to be held against every training picture.',
      },
    },
    summary: {
      title: 'What you have seen',
      text: 'Noise holds chance, the prompt holds wishes, and each level decides something: the estimate shows what, the difference shows the prompt’s share, evidence shows which pixel and when. Each of these can be changed and measured.',
      tasks: { name: 'Give the branch that you like best a name.' },
      question: 'Until when must a word be changed for the picture to follow?',
      options: ['Until it is decided', 'Until the last step', 'Only before the first step'],
      answer:
        'In your own two changes the early one moved the pixels by {early}, the late one by {late}. What is decided stays: that is why the level of a change matters as much as the change.',
    },
  },
};

export type TourTexts = typeof tourEn;
