import './nonce.js';
import './workers.js';
import { GraphiQL } from 'graphiql';
import 'graphiql/style.css';
import { createRoot } from 'react-dom/client';
import './explorer.css';
import { createFetcher } from './fetcher.js';
import { createStorage } from './storage.js';

const root = document.getElementById('explorer');
const { endpoint, document: operation, variables, headers, sandbox } = JSON.parse(root.dataset.config);
// Resolved against the page's own address, so that a prefix of which the gateway knows nothing is kept.
const url = new URL(endpoint, document.baseURI);
const storage = createStorage(url.pathname, headers);
const firstVisit = !storage?.getItem('graphiql:tabState');

createRoot(root).render(
  <GraphiQL
    fetcher={createFetcher(url)}
    storage={storage}
    // Only on the first visit: later the browser's own tabs come back.
    initialQuery={firstVisit ? operation : undefined}
    initialVariables={firstVisit ? variables : undefined}
    initialHeaders={headers}
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
