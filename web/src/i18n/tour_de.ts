// Die Führung auf Deutsch. {Namen} in Klammern werden durch das ersetzt, was an den eigenen Bildern gemessen wurde.
import type { TourTexts } from './tour_en';

export const tourDe: TourTexts = {
  title: 'Führung',
  steps: 'Schritte der Führung',
  progress: (answered, all, tried) =>
    `${answered} von ${all} beantwortet${tried === '0' ? '' : `, ${tried} versucht`}`,
  position: (step, all) => `Schritt ${step} von ${all}`,
  answered: 'beantwortet',
  tried: 'versucht, noch nicht richtig',
  toDo: 'Zu tun',
  done: 'getan',
  open: (area) => `„${area}“ öffnen`,
  check: 'Antwort prüfen',
  checkPlace: 'Hier ist es: prüfen',
  checking: 'Es wird gemessen …',
  first: 'Tun Sie erst, was oben steht; dann lässt sich die Antwort prüfen.',
  right: 'Richtig.',
  wrong: 'Nicht ganz.',
  back: 'Zurück',
  next: 'Weiter',
  leave: 'Führung verlassen',
  leaveHelp: 'Sie geht hier weiter, wenn sie wieder geöffnet wird.',
  restart: 'Von vorn beginnen',
  never: 'nie',
  missing: 'Wonach die Frage fragt, ist nicht mehr da: Tun Sie noch einmal, was oben steht.',
  unmeasured: 'etwas, das nicht gemessen wurde',
  unable: 'Dieses Modell kann diesen Schritt nicht zeigen: Gehen Sie weiter zum nächsten.',
  step: {
    noise: {
      title: 'Was Rauschen ist',
      text: 'Ein Diffusionsmodell zeichnet rückwärts: es beginnt mit einem Bild aus reinen Zufallszahlen und nimmt das Rauschen in kleinen Schritten weg. Der Rauschpegel heißt log-SNR: stark negativ ist alles Rauschen, positiv ist fast sauber.',
      tasks: {
        drawn: 'Zeichnen Sie ein Bild.',
        start: 'Stellen Sie den Schieber über den Bildern ganz an den Anfang.',
      },
      question: 'Was lässt sich dort vom verrauschten Bild ablesen?',
      options: ['Schon die Formen', 'Ein grober Umriss', 'Nichts'],
      answer:
        'Bei log-SNR {level} hat das verrauschte Bild {share} seiner Schwankung mit dem fertigen gemeinsam. Der Rest ist Zufall, und vom Prompt ist darin nichts zu sehen.',
    },
    estimate: {
      title: 'Die saubere Schätzung',
      text: 'Bei jedem Pegel wird das Modell eines gefragt: welches saubere Bild liegt unter diesem Rauschen? Seine Antwort ist die saubere Schätzung. Erst ist sie ein Gemisch aus allem, was noch kommen kann; dann wird sie ein Bild.',
      tasks: {
        plane: 'Zeigen Sie die saubere Schätzung groß.',
        walk: 'Bewegen Sie den Schieber langsam über wenigstens die Hälfte der Pegel, oder drücken Sie Abspielen.',
      },
      question:
        'Wo sieht die Schätzung von „{branch}“ zum ersten Mal aus wie ihr fertiges Bild? Stellen Sie den Schieber dorthin.',
      options: [],
      answer:
        'Bei „{branch}“: Ab log-SNR {level} (Zustand {state}) teilt die Schätzung neun Zehntel ihrer Schwankung mit dem fertigen Bild, das verrauschte Bild selbst erst ab Zustand {noisy}. Gewählt haben Sie Zustand {chosen}. Das Modell weiß es, lange bevor man es sieht.',
    },
    decided: {
      title: 'Wann Farbe, Form und Ort entschieden werden',
      text: 'Jedes Wort schließt Alternativen aus: „red“ ist nicht „blue“. Die Entscheidungskurve zeigt, wie sicher sich das Modell eines Wortes ist, nach allem, was es bis zu einem Pegel gesehen hat. Auf halber Höhe ist das Wort entschieden. Nicht alle Wörter werden beim selben Pegel entschieden.',
      tasks: {
        why: 'Fragen Sie warum: nach den Wörtern Ihres Bildes.',
        word: 'Zeigen Sie auf ein Wort und sehen Sie sich seine Kurve an.',
      },
      question: 'Stellen Sie den Schieber dorthin, wo „{word}“ entschieden wurde.',
      options: [],
      answer:
        '„{word}“ war bei log-SNR {half} halb entschieden; der Schieber steht bei {chosen}. In der Reihenfolge der Entscheidung: {order}.',
    },
    prompt: {
      title: 'Was der Prompt hinzufügt',
      text: 'Das Modell sagt das Rauschen zweimal voraus: einmal mit Ihrem Prompt und einmal ohne. Der Unterschied ist, was der Prompt bei diesem Pegel sagt und das verrauschte Bild nicht selbst. Er sollte klein sein, wo alles feststeht.',
      tasks: {
        plane: 'Zeigen Sie groß, was der Prompt ändert.',
        walk: 'Sehen Sie es sich bei wenigstens fünf Pegeln an.',
      },
      question: 'Wo sagt der Prompt am meisten? Stellen Sie den Schieber dorthin.',
      options: [],
      answer:
        'Die sauberen Schätzungen mit und ohne Prompt unterscheiden sich bei log-SNR {level} am meisten: um {peak} pro Pixel im quadratischen Mittel, gegen {chosen} dort, wo der Schieber steht, und {last} beim saubersten Pegel, bei dem dem Modell zu trauen ist. {outcome}',
      outcomes: [
        'Vorher lässt sich noch wenig wissen, danach steht das meiste fest.',
        'Dass er bis zum Ende wächst, ist kein Wissen: Wo kaum noch Rauschen ist, irrt ein Netz ein wenig, mit dem Prompt und ohne ihn, jedes Mal auf seine Weise.',
        'Nahe am reinen Rauschen sagt das Bild selbst noch nichts, also kommt alles, was man weiß, vom Prompt; später sagt das Bild es auch.',
      ],
    },
    guidance: {
      title: 'Was die Führungsstärke tut',
      text: 'Die Führungsstärke vervielfacht, was der Prompt hinzufügt. Bei 1 gilt es, wie es ist; mehr davon übertreibt. Das gehorcht dem Prompt mehr und ist nicht länger das, was das Modell glaubt.',
      tasks: {
        pair: 'Zeichnen Sie dasselbe Bild mit anderer Führungsstärke: gleicher Prompt, gleiche Startzahl.',
      },
      question: 'Was hat die stärkere Führung mit dem Bild gemacht?',
      options: [
        'Seine Farben wurden kräftiger',
        'Seine Farben wurden schwächer',
        'Etwas bewegte sich oder wurde anders, die Farben blieben so kräftig',
        'Nichts, was man sehen könnte',
      ],
      answer:
        'Von Führungsstärke {weak} zu {strong} änderte sich der mittlere Abstand vom Grau um {contrast}, und {moved} der Pixel änderten sich sichtbar.',
    },
    first_noise: {
      title: 'Was das erste Rauschen festlegt',
      text: 'Der Prompt sagt was, nicht wo genau: Was er offen lässt, entscheidet Rauschen. Manche Löser fügen unterwegs Rauschen hinzu; „ddim“, „euler“, „heun“ und „dpmpp_2m“ nicht. Bei ihnen entscheidet alles das erste Rauschen: Dieselbe Startzahl gibt immer dasselbe Bild, eine andere ein anderes.',
      tasks: {
        solver: 'Wählen Sie den Löser „dpmpp_2m“ und zeichnen Sie.',
        seed: 'Zeichnen Sie denselben Prompt mit einer anderen Startzahl.',
        box: 'Gehen Sie zum ersten Zustand, ziehen Sie einen großen Kasten über eines der Dinge und zeichnen Sie dort mit neuem Rauschen.',
      },
      question: 'Wo hat sich das Bild geändert, als das Rauschen im Kasten neu war?',
      options: ['Vor allem im Kasten', 'Vor allem außerhalb', 'Innen und außen gleich', 'Nirgends sichtbar'],
      answer:
        'Im Kasten änderten sich die Pixel im Mittel um {inside} ihres Umfangs, außerhalb um {outside}. {outcome}',
      outcomes: [
        'Das Rauschen unter einer Stelle entscheidet das meiste von dem, was dort zu stehen kommt.',
        'Das Rauschen eines Kastens kann auch Dinge entscheiden, die außerhalb stehen.',
        'Das Rauschen einer Stelle hat überall etwas zu sagen.',
        'Was hier steht, hat anderes Rauschen entschieden: Versuchen Sie es mit einem größeren Kasten über einem der Dinge.',
      ],
    },
    late: {
      title: 'Ein Wort spät oder früh ändern',
      text: 'Gehen Sie zu einem Pegel zurück, ändern Sie ein Wort und zeichnen Sie unter demselben Rauschen weiter. Bevor das Wort entschieden war, kann das neue noch gewinnen; danach hat sich das Bild festgelegt.',
      tasks: {
        early: 'Ändern Sie ein Wort früh: vor dem Pegel seiner Entscheidung (oder in der ersten Hälfte).',
        late: 'Ändern Sie das Wort desselben Bildes spät: lange nach seiner Entscheidung (oder in der zweiten Hälfte).',
      },
      question: 'Welche Änderung hat das Bild mehr verändert?',
      options: ['Die frühe', 'Die späte', 'Beide gleich'],
      answer:
        'Die frühe Änderung (log-SNR {early_level}) bewegte die Pixel im Mittel um {early} ihres Umfangs, die späte (log-SNR {late_level}) um {late}.',
    },
    pixels: {
      title: 'Welche Pixel zu einem Wort gehören',
      text: 'Belege werden in Nats gezählt: wie sehr ein Pixel für dieses Wort und gegen seine Alternativen sprach. Rote Pixel einer Karte sprachen für das Wort, blaue dagegen. Die Karte eines Wortes ergibt zusammen, was entschieden wurde.',
      tasks: {
        why: 'Fragen Sie warum, zu dem Bild, das zu sehen ist.',
        word: 'Zeigen Sie auf „{word}“ und sehen Sie sich seine Karte an.',
        pixel: 'Zeigen Sie auf irgendein Pixel: Daneben stehen seine Wörter der Größe nach.',
      },
      question: 'Zeigen Sie auf ein Pixel, das zu „{word}“ gehört: wo dieses Wort an erster Stelle steht.',
      options: [],
      answer: 'Bei {x}, {y} sind die Wörter, der Größe nach: {ranked}.',
    },
    copies: {
      title: 'Malt es seine Trainingsbilder ab?',
      text: 'Ein Modell, das seine Bilder auswendig gelernt hätte, zeichnete immer wieder dieselben wenigen. Eine erste Probe ist, einen Prompt unter verschiedenem Rauschen zu zeichnen und zu vergleichen.',
      tasks: {
        seeds: 'Zeichnen Sie zwei Bilder eines Prompts: zwei Startzahlen, oder mehrere Bilder nebeneinander.',
        beside:
          'Sehen Sie sie nebeneinander an: Vergleichen Sie die beiden Zweige, oder betrachten Sie einen Zweig mit mehreren Bildern.',
      },
      question: 'Wie viele der Pixel unterscheiden sich sichtbar zwischen beiden?',
      options: ['Weniger als eines von hundert', 'Bis zur Hälfte', 'Mehr als die Hälfte'],
      answer: '{share} der Pixel unterscheiden sich sichtbar. {kind}',
      kind: {
        world:
          'Dieses Modell ist die exakte Antwort auf eine Welt aus zwei Gegenständen: es wurde berechnet, nicht trainiert, und hat keine Trainingsbilder, die es abmalen könnte.',
        pictures:
          'Dieses Modell ist die exakte Antwort auf die gegebenen Bilder: anderes kann es nicht zeichnen, jedes seiner Bilder ist eines von ihnen. Abmalen ist, was eine vollkommene Leistung auf endlich vielen Bildern heißt.',
        run: 'Verschiedene Bilder zu einem Prompt sind ein gutes Zeichen, kein Beweis: „noisescope report“ hält die Fehler des Netzes gegen die eines Modells, das alle seine Bilder auswendig kann.',
        function:
          'Verschiedene Bilder zu einem Prompt sind ein gutes Zeichen, kein Beweis: dafür muss jedes gegen jedes Trainingsbild gehalten werden.',
      },
    },
    summary: {
      title: 'Was zu sehen war',
      text: 'Im Rauschen liegt der Zufall, im Prompt liegen die Wünsche, und jeder Pegel entscheidet etwas: die Schätzung zeigt was, der Unterschied zeigt den Anteil des Prompts, Belege zeigen welches Pixel und wann. Jedes davon lässt sich ändern und messen.',
      tasks: { name: 'Geben Sie dem Zweig, der Ihnen am besten gefällt, einen Namen.' },
      question: 'Bis wann muss ein Wort geändert werden, damit das Bild folgt?',
      options: ['Bis es entschieden ist', 'Bis zum letzten Schritt', 'Nur vor dem ersten Schritt'],
      answer:
        'Bei Ihren eigenen zwei Änderungen bewegte die frühe die Pixel um {early}, die späte um {late}. Was entschieden ist, bleibt: darum ist der Pegel einer Änderung so wichtig wie die Änderung selbst.',
    },
  },
};
