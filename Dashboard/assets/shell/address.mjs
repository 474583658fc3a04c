/** An address on this server. Behind a proxy it begins with a path of the proxy's, which Dash names.
 * @type {(path: string) => string} */
export const url = (path) =>
  JSON.parse(document.getElementById("_dash-config")?.textContent || "{}").requests_pathname_prefix + path;
