/* Addresses on this server. */

/**
 * Behind a proxy they begin with a path of the proxy's, which Dash's configuration names.
 *
 * @param {string} path without a slash before it
 */
export function url(path) {
  const config = document.getElementById("_dash-config")?.textContent ?? "{}";
  return (JSON.parse(config).requests_pathname_prefix ?? "/") + path;
}
