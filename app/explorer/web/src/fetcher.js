// One POST for each operation, and no retry: only the user repeats a mutation.
const MEDIA_TYPES = 'application/graphql-response+json, application/json';

export function createFetcher(endpoint) {
  return async (parameters, options) => {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { ...options?.headers, accept: MEDIA_TYPES, 'content-type': 'application/json' },
      body: JSON.stringify(parameters),
    });
    const body = await response.text();
    try {
      return JSON.parse(body);
    } catch {
      // A proxy's page, say. Shown as text in the response editor, never rendered.
      throw new Error(
        `The answer is not JSON: HTTP ${response.status}, ${response.headers.get('content-type') ?? 'no content type'}. ` +
          `It begins: ${body.slice(0, 200)}`,
      );
    }
  };
}
