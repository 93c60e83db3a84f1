/** Preact and htm, bound: templates that become elements, with every value as text. */

import { Component, Fragment, createRef, h, render } from "./vendor/preact.mjs";
import htm from "./vendor/htm.mjs";

export const html = htm.bind(h);
export { Component, Fragment, createRef, h, render };
