// What GraphiQL may keep in the browser: tabs, documents, variables, history, theme. Never headers, since they hold
// tokens. GraphiQL's own switch for headers covers its tabs, but its history writes them regardless, so they are
// taken out here, from every value that is stored.
function withHeaders(text, headers) {
  try {
    return text && JSON.stringify(JSON.parse(text), (key, value) => (key === 'headers' ? headers : value));
  } catch {
    return null; // not GraphiQL's any more: as good as nothing
  }
}

const HEADERS_KEY = /:headers$/;
const HISTORY_KEY = /:(queries|favorites)$/;
const JSON_KEY = /:(queries|favorites|tabState)$/;

/** Storage that only the pages of one scope share; null where the browser allows none. */
export function createStorage(scope, defaultHeaders) {
  let local;
  try {
    local = globalThis.localStorage;
  } catch {
    return null;
  }
  const prefix = `wethod-graphql:${scope}:`;
  const keys = () => Object.keys(local).filter((key) => key.startsWith(prefix));
  return {
    get length() {
      return keys().length;
    },
    getItem(key) {
      const text = local.getItem(prefix + key);
      // An entry of the history puts its headers into the editor: without any it would empty it.
      return HISTORY_KEY.test(key) ? withHeaders(text, defaultHeaders) : text;
    },
    setItem(key, text) {
      if (!HEADERS_KEY.test(key)) {
        local.setItem(prefix + key, JSON_KEY.test(key) ? withHeaders(text, null) : text);
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

/**
 * The tab that was open last; nothing on a first visit. GraphiQL brings its tabs back by itself, but fills the editor
 * of the variables from another key, which it writes only after an edit.
 */
export function activeTab(storage) {
  try {
    const { tabs, activeTabIndex } = JSON.parse(storage.getItem('graphiql:tabState'));
    return tabs[activeTabIndex];
  } catch {
    return undefined;
  }
}
