import './nonce.js';
import './workers.js';
import { GraphiQL } from 'graphiql';
import 'graphiql/style.css';
import { createRoot } from 'react-dom/client';
import './explorer.css';
import { createFetcher } from './fetcher.js';
import { activeTab, createStorage } from './storage.js';

const root = document.getElementById('explorer');
const { endpoint, tabs, headers, sandbox } = JSON.parse(root.dataset.config);
// Resolved against the page's own address, so that a prefix of which the gateway knows nothing is kept.
const url = new URL(endpoint, document.baseURI);
// Several gateways may share an origin behind one proxy, and what was tried in a sandbox must not come back live.
const storage = createStorage(`${sandbox ? 'sandbox' : 'live'}:${url.pathname}`, headers);
const shown = activeTab(storage) ?? tabs[0];

createRoot(root).render(
  <GraphiQL
    fetcher={createFetcher(url)}
    storage={storage}
    initialQuery={shown.query ?? ''}
    initialVariables={shown.variables ?? ''}
    initialHeaders={headers}
    defaultTabs={tabs.map((tab) => ({ ...tab, headers }))}
    defaultHeaders={headers}
    defaultEditorToolsVisibility="headers"
    shouldPersistHeaders={false}
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>
      <span className={sandbox ? 'gateway-note' : 'gateway-note live'}>
        {sandbox ? 'sandbox: invented contacts' : 'live: a delete is final'}
      </span>
    </GraphiQL.Logo>
  </GraphiQL>,
);
