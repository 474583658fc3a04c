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

interface Lesions extends Dom {
  heat: Heat;
}

interface Window {
  dash_clientside: { set_props(id: string, properties: Record<string, unknown>): void };
  lesions: Lesions;
  // What Dash's components bring; they have no types of their own.
  dash_ag_grid: any;
  dashAgGridComponentFunctions: any;
  React: any;
}
