// What GraphiQL may keep in the browser: tabs, documents, variables, history, theme. Never headers, since they hold
// tokens. GraphiQL's own switch for headers covers its tabs, but its history writes them regardless, so they are
// taken out here, from every value that is stored.
const stored = (text, headers) =>
  text && JSON.stringify(JSON.parse(text), (key, value) => (key === 'headers' ? headers : value));

const HEADERS_KEY = /:headers$/;
const HISTORY_KEY = /:(queries|favorites)$/;
const JSON_KEY = /:(queries|favorites|tabState)$/;

/** Storage for the gateway at one path; null where the browser allows none. */
export function createStorage(path, defaultHeaders) {
  let local;
  try {
    local = globalThis.localStorage;
  } catch {
    return null;
  }
  // Several gateways may share an origin behind one proxy.
  const prefix = `wethod-graphql:${path}:`;
  const keys = () => Object.keys(local).filter((key) => key.startsWith(prefix));
  return {
    get length() {
      return keys().length;
    },
    getItem(key) {
      const text = local.getItem(prefix + key);
      // An entry of the history puts its headers into the editor: without any it would empty it.
      return HISTORY_KEY.test(key) ? stored(text, defaultHeaders) : text;
    },
    setItem(key, text) {
      if (!HEADERS_KEY.test(key)) {
        local.setItem(prefix + key, JSON_KEY.test(key) ? stored(text, null) : text);
      }
    },
    removeItem: (key) => local.removeItem(prefix + key),
    clear() {
      for (const key of keys()) {
        local.removeItem(key);
      }
    },
  };
}
