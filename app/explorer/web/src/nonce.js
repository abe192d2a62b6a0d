// Monaco and Radix add <style> elements at run time. The page's policy lets no style element pass without this
// response's nonce, and neither library can be told one, so every new style element gets it here.
// Imported first: an element made before this module has run would be refused.
const { nonce } = document.querySelector('meta[property="csp-nonce"]');
const createElement = document.createElement;

document.createElement = function (name, options) {
  const element = createElement.call(this, name, options);
  if (element instanceof HTMLStyleElement) {
    element.nonce = nonce;
  }
  return element;
};
