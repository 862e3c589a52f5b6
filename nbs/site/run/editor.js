// The editor: CodeMirror, with no more of it than an answer needs. Colours are the page's (run.css).
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { pythonLanguage } from "@codemirror/lang-python";
import { classHighlighter } from "@lezer/highlight";

const setWrong = StateEffect.define();
const wrong = StateField.define({
  create: () => Decoration.none,
  update(marks, change) {
    for (const e of change.effects) if (e.is(setWrong))
      return e.value ? Decoration.set([Decoration.line({ class: "run-wrong" }).range(change.state.doc.line(e.value).from)]) : Decoration.none;
    return change.docChanged ? Decoration.none : marks;
  },
  provide: f => EditorView.decorations.from(f),
});

export function edit(place, code, label, { changed, run }) {
  // Escape lets the Tab key leave, until the editor has the focus again
  const leave = EditorView.domEventHandlers({
    keydown: (e, view) => { if (e.key === "Escape") view.setTabFocusMode(true); },
    focus: (e, view) => view.setTabFocusMode(false),
  });
  const view = new EditorView({ parent: place, state: EditorState.create({ doc: code, extensions: [
    lineNumbers(), history(), drawSelection(), highlightActiveLine(), bracketMatching(), indentUnit.of("    "), EditorState.tabSize.of(4), wrong, leave,
    pythonLanguage, syntaxHighlighting(classHighlighter), EditorView.lineWrapping,
    keymap.of([{ key: "Mod-Enter", run: () => { run(); return true; } }, indentWithTab, ...defaultKeymap, ...historyKeymap]),
    EditorView.contentAttributes.of({ "aria-label": label, autocapitalize: "off", autocorrect: "off", spellcheck: "false" }),
    EditorView.updateListener.of(u => { if (u.docChanged) changed(); }),
  ] }) });
  return {
    get: () => view.state.doc.toString(),
    set: text => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, userEvent: "reset" }), // one step of Ctrl-Z
    mark: line => view.dispatch({ effects: setWrong.of(line && line <= view.state.doc.lines ? line : null) }),
    focus: () => view.focus(),
  };
}
