// The page in the browser.

import { render } from "preact";
import { App } from "./app.tsx";

const root = document.getElementById("root");
if (root !== null) {
  root.replaceChildren();
  render(<App />, root);
}
