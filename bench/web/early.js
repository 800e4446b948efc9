// SPDX-License-Identifier: Apache-2.0
// Script errors become visible: in the page, and to the browser test as attributes.
"use strict";
window.reportErrors = [];
window.onerror = function (message, source, line, column, error) {
  window.reportErrors.push(String(message) + (error && error.stack ? "\n" + error.stack : ""));
  document.documentElement.dataset.errors = window.reportErrors.join("\n");
  const note = document.createElement("p");
  note.className = "script-error";
  note.textContent = "This page's script failed: " + message + ". The figures are in the JSON file.";
  document.body.prepend(note);
};
