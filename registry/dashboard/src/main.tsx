import "./style/theme.css";
import "./style/page.css";
import "./style/treegrid.css";
import "./style/refreshes.css";

import { render } from "preact";

import { App } from "./app";

const place = document.getElementById("app");
if (place) render(<App />, place);
