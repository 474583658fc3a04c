/* What Dash and its components bring to the page's scripts. Only tsc reads this file; it lies outside
 * `assets/`, whose files are served. */

interface Window {
  dash_clientside: { set_props(id: string, properties: Record<string, unknown>): void };
  // They have no types of their own.
  dash_ag_grid: any;
  dashAgGridComponentFunctions: any;
  React: any;
}
