/* Types of what the page's scripts share: Dash includes them as classic scripts, so each adds its
 * part to one global. Only tsc reads this file; it lies outside `assets/`, whose files are served. */

/** A component as Dash sends it. */
interface Component {
  type: string;
  props: {
    children?: Part;
    style?: Partial<CSSStyleDeclaration>;
    [attribute: string]: unknown;
  };
}

type Part = Component | Part[] | string | number | null | undefined;

/** `true` sets an attribute without a value; `false`, `null` and `undefined` leave it out. */
type Attributes = Record<string, string | number | boolean | null | undefined>;

interface Dom {
  build(part: Part): Node;
  element<K extends keyof HTMLElementTagNameMap>(
    tag: K,
    attributes?: Attributes | null,
    ...children: (Node | string)[]
  ): HTMLElementTagNameMap[K];
  byId(id: string): HTMLElement;
  url(path: string): string;
  path(name: string): HTMLElement[];
  percent(share: number): string;
  icon(name: string, extra?: string): HTMLElement;
  announce(sentence: string): void;
}

/** What comes in by its path: a file, the name of a drawn example, or why it could not be read. */
interface Entry {
  name: string;
  file?: File;
  example?: string;
  error?: string;
}

/** One thing that was dropped or chosen: a file, or a folder with all in it. The names of its
 * entries begin with its own; `left` are the paths of what is left out. */
interface Found {
  name: string;
  folder: boolean;
  entries: Entry[];
  left: string[];
}

/** An image on its way to the server. */
interface Item extends Entry {
  id: string;
  model: string | null;
  gate: boolean;
}

/** What `POST /results` answers: the body of a card, a row of the table, a sentence to read out. */
interface Answer {
  body: Part;
  row: Record<string, unknown>;
  spoken: string;
}

interface Dropped {
  mount(folders: string[]): void;
  read(transfer: DataTransfer): Promise<Found[]>;
  sort(files: Iterable<File>): Found[];
  name(found: Found[], used: string[]): Entry[];
  remarks(found: Found[]): string;
  instead(types: readonly string[]): string;
}

interface Intake {
  field(): HTMLElement | null;
  choose(name: string | null): void;
  mount(): void;
}

interface Leaving {
  clear(): Promise<void>;
}

interface Queue {
  add(items: Item[]): void;
  left(): number;
  drop(items: Item[]): void;
  stop(): Item[];
}

/** A map as the server sends it; `values` is base64 of signed bytes, map after map. */
interface PackedMap {
  width: number;
  height: number;
  limit: number;
  values: string;
}

/** Maps of one size, one after the other; 127 stands for `limit`. */
interface PixelMap extends Omit<PackedMap, "values"> {
  values: Int8Array;
}

/** Red, green, blue and alpha for each of the values from -127 to 127. */
type Colours = Uint8Array;

interface Heat {
  LEVELS: number;
  bytes(text: string): Uint8Array<ArrayBuffer>;
  unpack(packed: PackedMap): PixelMap;
  largest(map: PixelMap, index: number): number;
  draw(
    canvas: HTMLCanvasElement,
    map: PixelMap,
    index: number,
    scale: number,
    table?: Colours | null,
  ): void;
  drawAll(node: Element): void;
  legend(canvas: HTMLCanvasElement, table: Colours, least: number): void;
  mapOf(canvas: HTMLCanvasElement): PixelMap;
  toggle(): void;
  mount(): void;
}

/** Of the cards, what the checked scripts call. */
interface Cards {
  add(entries: Entry[], model: string | null, maxBytes: number, maxShown: string): void;
  names(): string[];
  count(): number;
  unsaved(): boolean;
  clear(): void;
  all(): { node: HTMLElement }[];
  started(item: Item): void;
  uploaded(item: Item, share: number): void;
  finished(item: Item, answer: Answer): void;
  failed(item: Item, sentence: string): void;
  progressed(): void;
}

interface Prevalence {
  sentence(p: number, share: number, prevalence: number): string;
  draw(node: HTMLElement): void;
  choose(text: string): string;
}

interface Lesions extends Dom {
  dropped: Dropped;
  intake: Intake;
  leaving: Leaving;
  queue: Queue;
  heat: Heat;
  cards: Cards;
  prevalence: Prevalence;
}

interface Window {
  dash_clientside: { set_props(id: string, properties: Record<string, unknown>): void };
  lesions: Lesions;
}
