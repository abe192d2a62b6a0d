// The rule of docs/clients.md, without a library. A success leaves the list. A contact that was not found reloads it. A contact
// that was not deleted stays and says why. Every other contact stays greyed out with "Repeat". All texts are set as text.

const config = JSON.parse(document.body.dataset.config);
// Relative to this file, so that a prefix that the gateway does not know is kept.
const GRAPHQL = new URL('../graphql', import.meta.url);
const CONTACTS = new URL('contacts', import.meta.url);
const MAX_ENTRIES = 20;

const OUTCOME = `
fragment Outcome on DeleteContactResult {
  __typename
  ... on DeleteContactSuccess { message confirmedBy }
  ... on WethodError { key message statusCode }
  ... on WethodValidationError { failures { field message } }
  ... on WethodRateLimitedError { retryAfterSeconds }
}`;
const DELETE_ONE = `mutation DeleteContact($id: ID!) {
  deleteContact(id: $id) { ...Outcome }
}${OUTCOME}`;
const DELETE_MANY = `mutation DeleteContacts($ids: [ID!]!) {
  deleteContacts(ids: $ids) { id result { ...Outcome } }
}${OUTCOME}`;

const element = (id) => document.getElementById(id);
const tbody = element('rows');
const title = element('contacts-title');
const rows = new Map(); // by id

// --- What an answer means ---

const LOST = {
  kind: 'uncertain',
  label: 'Unknown',
  text: 'The answer did not reach this page. The contact may be gone; repeating is safe.',
  code: 'no answer',
};

/** The row state for one outcome: `kind` is for the program, the rest is for people. */
function present(outcome) {
  if (!outcome) return { ...LOST, text: 'The gateway failed. The contact may be gone; repeating is safe.', code: 'null' };
  const { __typename: code, message: text } = outcome;
  switch (code) {
    case 'DeleteContactSuccess':
      return { kind: 'gone', label: 'Deleted', text, code: `${code}, ${outcome.confirmedBy}` };
    case 'WethodNotFoundError':
      return { kind: 'reload', label: 'Not found', text, code };
    case 'WethodValidationError':
      return {
        kind: 'kept',
        label: 'Not deleted',
        text: outcome.failures.map(({ field, message }) => `${field}: ${message}`).join(' ') || text,
        code,
      };
    case 'WethodRateLimitedError': {
      const seconds = outcome.retryAfterSeconds;
      return { kind: 'kept', label: 'Not deleted', text: seconds ? `${text} Repeat in ${seconds} s.` : text, code };
    }
    case 'WethodUnauthorizedError':
    case 'WethodForbiddenError':
    case 'WethodPreconditionFailedError':
    case 'WethodUnavailableError':
      return { kind: 'kept', label: 'Not deleted', text, code };
    default: // the contact may be gone; this includes members of later versions
      return { kind: 'uncertain', label: 'Unknown', text, code };
  }
}

/** The row state for each id. `answer` is undefined if none arrived, or if it was not JSON. */
function presentAll(answer, count) {
  if (answer?.data) {
    const { deleteContact, deleteContacts } = answer.data;
    const outcomes = deleteContacts ? deleteContacts.map((entry) => entry.result) : [deleteContact];
    return Array.from({ length: count }, (_, index) => present(outcomes[index]));
  }
  const error = answer?.errors?.[0];
  const code = error?.extensions?.code;
  // Found before anything was sent, such as a limit. After a bug of the gateway nothing is known.
  const refused = code && code !== 'INTERNAL_SERVER_ERROR';
  return Array(count).fill(refused ? { kind: 'kept', label: 'Not deleted', text: error.message, code } : LOST);
}

// --- The rows ---

class Row {
  constructor({ id, name, surname, state }) {
    this.id = String(id);
    this.name = `${name} ${surname}`;
    this.checkbox = make('input', { type: 'checkbox', ariaLabel: `Select ${this.name}`, onchange: showSelection });
    this.note = make('p', { className: 'note', hidden: true });
    this.button = make('button', { type: 'button', onclick: () => this.click() });
    const tag = state === 'in_use' ? [make('span', { className: 'tag', textContent: 'in use' })] : [];
    const heading = make('th', { scope: 'row' }, make('span', { textContent: this.name }), ...tag, this.note);
    const identifier = make('td', { className: 'id', textContent: this.id });
    this.element = make('tr', {}, make('td', {}, this.checkbox), heading, identifier, make('td', {}, this.button));
    this.show('listed');
  }

  get pending() {
    return this.kind === 'pending';
  }

  /** Show the state of the row: listed, pending, or the `kind` of an outcome that stays in the list. */
  show(kind, text = '') {
    this.kind = kind;
    this.element.dataset.kind = kind;
    this.note.textContent = text;
    this.note.hidden = !text;
    this.checkbox.disabled = this.pending;
    if (this.pending) this.checkbox.checked = false;
    const verb = { pending: 'Deleting…', uncertain: 'Repeat' }[kind] ?? 'Delete';
    this.button.textContent = verb;
    this.button.ariaLabel = kind === 'uncertain' ? `Repeat: delete ${this.name}` : `${verb} ${this.name}`;
    // Not `disabled`, which would take the focus away from a person at the keyboard.
    this.button.ariaDisabled = this.pending;
  }

  click() {
    if (!this.pending) remove([this.id], 'deleteContact');
  }

  /** Leave the list. The focus goes to the next contact if it was here. */
  leave() {
    if (this.element.contains(document.activeElement)) {
      const neighbour = this.element.nextElementSibling ?? this.element.previousElementSibling;
      (neighbour?.querySelector('button') ?? title).focus();
    }
    this.element.remove();
    rows.delete(this.id);
  }
}

function make(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// --- Deleting ---

/** Delete contacts with one mutation, `deleteContact` or `deleteContacts`, and show each outcome. */
async function remove(ids, field) {
  const before = ids.map((id) => rows.get(id)?.kind);
  ids.forEach((id) => rows.get(id)?.show('pending'));
  showSelection();
  say(`Deleting ${plural(ids.length)}…`);

  const token = document.querySelector('input[name=token]:checked').value;
  const request =
    field === 'deleteContact'
      ? { query: DELETE_ONE, variables: { id: ids[0] } }
      : { query: DELETE_MANY, variables: { ids } };
  const answer = await post(request, token);
  const rowStates = presentAll(answer, ids.length).map((state, index) =>
    before[index] === 'uncertain' && state.kind === 'reload' ? { ...state, kind: 'gone', label: 'Gone' } : state,
  );

  const names = ids.map((id) => rows.get(id)?.name ?? `Id ${id}`);
  log({ field, token, request, answer, names, rowStates });
  const summary = summarize(names, rowStates);
  say(summary);
  ids.forEach((id, index) => settle(rows.get(id), rowStates[index]));
  showSelection();
  if (rowStates.some(({ code }) => code === 'WethodNotFoundError')) {
    const news = await load();
    if (news) say(`${summary} ${news}`);
  }
}

async function post(request, token) {
  const headers = {
    Accept: 'application/graphql-response+json, application/json',
    'Content-Type': 'application/json',
    'Wethod-Company': config.company,
    'Wethod-Version': config.version,
  };
  if (token) headers[config.authorizationHeader] = `Bearer ${token}`;
  try {
    const response = await fetch(GRAPHQL, { method: 'POST', headers, body: JSON.stringify(request) });
    return await response.json();
  } catch {
    return undefined; // lost on its way, or a proxy's page: the delete may have been sent
  }
}

function settle(row, { kind, text }) {
  if (kind === 'gone') deletes += 1;
  if (!row) return;
  if (kind === 'gone') row.leave();
  else row.show(kind, text);
}

// --- The list ---

let deletes = 0; // successes so far
let loads = 0;

/**
 * Load the list, and again if a contact was deleted meanwhile: the list may be older than that.
 * Returns the text to show, or undefined if nothing needs to be said.
 */
async function load() {
  loads += 1;
  const turn = loads;
  let contacts;
  let seen;
  try {
    do {
      seen = deletes;
      const response = await fetch(CONTACTS);
      const body = await response.json();
      if (!response.ok) throw new Error(body.message);
      contacts = body;
    } while (seen !== deletes);
  } catch (error) {
    return `The list cannot be loaded. ${error.message}`;
  }
  if (turn !== loads) return undefined; // a later one shows a newer list
  const listed = new Set(contacts.map(({ id }) => String(id)));
  const absent = [...rows.values()].filter(({ id, pending }) => !listed.has(id) && !pending);
  const resolved = absent.filter(({ kind }) => kind === 'uncertain').map(({ name }) => name);
  absent.forEach((row) => row.leave());
  let next = tbody.firstElementChild;
  for (const contact of contacts) {
    const row = rows.get(String(contact.id)) ?? new Row(contact);
    rows.set(row.id, row);
    if (row.element === next) next = next.nextElementSibling;
    else tbody.insertBefore(row.element, next);
  }
  showSelection();
  return resolved.length ? `No longer unknown, gone: ${resolved.join(', ')}.` : undefined;
}

const selected = () => [...rows.values()].filter(({ checkbox }) => checkbox.checked).map(({ id }) => id);
const typed = () => element('more').value.split(/[\s,]+/).filter(Boolean);

function showSelection() {
  const count = selected().length + typed().length;
  element('delete-selected').textContent = count ? `Delete selected (${count})` : 'Delete selected';
  title.textContent = `Contacts of ${config.company} (${rows.size})`;
  const free = [...rows.values()].filter(({ checkbox }) => !checkbox.disabled).length;
  element('all').checked = free > 0 && selected().length === free;
  element('all').indeterminate = selected().length > 0 && selected().length < free;
}

// --- The outcomes ---

const plural = (count) => (count === 1 ? '1 contact' : `${count} contacts`);

/** A short summary for screen readers and the status line: one outcome in words, several as counts. */
function summarize(names, rowStates) {
  if (rowStates.length === 1) return `${names[0]}: ${rowStates[0].label}. ${rowStates[0].text}`;
  const counts = new Map();
  for (const { label } of rowStates) counts.set(label, (counts.get(label) ?? 0) + 1);
  return `${[...counts].map(([label, count]) => `${label}: ${count}`).join(', ')}.`;
}

function say(text) {
  element('status').textContent = text;
}

function log({ field, token, request, answer, names, rowStates }) {
  const entries = rowStates.map(({ kind, label, text, code }, index) => {
    const badge = make('b', { className: kind, textContent: label });
    const name = make('span', { className: 'name', textContent: names[index] });
    const head = make('p', {}, badge, ' ', name, ' ', make('code', { textContent: code }));
    return make('li', {}, head, make('p', { className: 'text', textContent: text }));
  });
  const shown = {
    mutation: request.query,
    variables: JSON.stringify(request.variables, null, 2),
    answer: answer === undefined ? 'none' : JSON.stringify(answer, null, 2),
  };
  const details = make(
    'details',
    {},
    make('summary', { textContent: 'GraphQL: request and answer' }),
    ...Object.entries(shown).flatMap(([name, text]) => [
      make('h4', { textContent: name }),
      make('pre', { textContent: text, tabIndex: 0 }),
    ]),
  );
  const heading = make('h3', {}, make('code', { textContent: field }), ` of ${plural(names.length)}, ${token || 'no token'}`);
  element('outcomes').prepend(make('li', {}, heading, make('ul', {}, ...entries), details));
  element('outcomes').children[MAX_ENTRIES]?.remove();
}

// --- Start ---

element('form').addEventListener('submit', (event) => {
  event.preventDefault();
  const ids = [...selected(), ...typed()].filter((id) => !rows.get(id)?.pending);
  if (!ids.length) {
    say('Select contacts, or type ids.');
    return;
  }
  element('more').value = '';
  remove(ids, 'deleteContacts');
});
element('more').addEventListener('input', showSelection);
element('all').addEventListener('change', ({ target }) => {
  for (const { checkbox } of rows.values()) checkbox.checked = target.checked && !checkbox.disabled;
  showSelection();
});
element('reload').addEventListener('click', async () => {
  say((await load()) ?? `The list has ${plural(rows.size)}.`);
});
if (config.graphiql) {
  element('graphiql').href = GRAPHQL;
  element('graphiql').hidden = false;
}
say((await load()) ?? 'Delete a contact, or select some and delete them together. Each outcome is shown here.');
