/** Which parts of a message are code, as CommonMark 0.31 defines it: the same as `hubbub/core/text/code_blocks.py`. */

const QUOTE = -1;  // in place of the columns that a list item needs
const INDENTED = 4;  // columns, from which on a line opens no block
const WIDEST = 5;  // columns behind a list marker, from which on they are part of the content
const TAB = 4;
const AUTOLINK = /<(?:[A-Za-z][A-Za-z0-9.+-]{1,31}:[^<>\x00-\x20]*|[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*)>/y;
const TAG = /<(?:[A-Za-z][A-Za-z0-9-]*(?:[ \t\n]+[a-zA-Z_:][a-zA-Z0-9:._-]*(?:[ \t\n]*=[ \t\n]*(?:[^"'=<>`\x00-\x20]+|'[^']*'|"[^"]*"))?)*[ \t\n]*\/?|\/[A-Za-z][A-Za-z0-9-]*[ \t\n]*)>/y;
const DECLARATION = /<![A-Za-z]/y;
const OPAQUE = [["<!--", "-->"], ["<?", "?>"], ["<![CDATA[", "]]>"]];  // HTML from one text to another

/** The message as `{ text, code }` in order. `code` is "span", "block", or undefined for text, which is kept as it is. */
export function pieces(body) {
  const scanner = new Scanner();
  for (const line of body.split(/\r\n|\n|\r/)) scanner.line(new Line(line));
  scanner.end();
  const last = scanner.found.at(-1);
  if (last && !last.code) last.text = last.text.replace(/\n$/, "");  // of the last line, which had none
  return scanner.found.filter((piece) => piece.code || piece.text);
}

/** How many of the ascending numbers are at most `limit`. */
function countTo(numbers, limit) {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function matchAt(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** A line and the place up to which it is read. Columns count a tab as up to four. */
class Line {
  constructor(text) {
    Object.assign(this, { text, at: 0, column: 0, tails: {} });
    this.look();
  }

  look() {
    let [at, column] = [this.at, this.column];
    for (; this.text[at] === " " || this.text[at] === "\t"; at++) {
      column += this.text[at] === "\t" ? TAB - (column % TAB) : 1;
    }
    this.next = at;
    this.indent = column - this.column;
    this.isBlank = at === this.text.length;
  }

  get mark() { return this.text[this.next]; }

  /** Read white space; part of a tab may stay. */
  skip(columns) {
    const end = this.column + Math.min(columns, this.indent);
    this.indent -= end - this.column;
    while (this.column < end) {
      const width = this.text[this.at] === "\t" ? TAB - (this.column % TAB) : 1;
      this.column += Math.min(width, end - this.column);
      if (width === 1 || this.column % TAB === 0) this.at++;
    }
  }

  /** Read to the next character that is no white space, and `length` characters from there on. */
  take(length) {
    this.column += this.indent + length;
    this.at = this.next + length;
    this.look();
  }

  get isBreak() {
    const { mark } = this;
    if (!"*-_".includes(mark)) return false;
    if (!(mark in this.tails)) {
      let end = this.text.length;
      while (end > 0 && [mark, " ", "\t"].includes(this.text[end - 1])) end--;
      this.tails[mark] = end;
    }
    return this.next >= this.tails[mark] && this.text.slice(this.next).replace(/[ \t]/g, "").length >= 3;
  }

  get fence() {
    const found = matchAt(/`{3,}|~{3,}/y, this.text, this.next)?.[0];
    return found && (found[0] === "~" || !this.text.includes("`", this.next + found.length)) ? found : null;
  }
}

class Scanner {
  containers = [];  // the columns that an item needs, or QUOTE
  quotes = [];  // where among the containers
  isEmpty = false;  // whether the last container is an item without content
  fence = null;
  paragraph = [];
  found = [];

  text(text) {
    const last = this.found.at(-1);
    if (last && !last.code) last.text += text;
    else this.found.push({ text });
  }

  /** Close what is open. */
  end() {
    if (this.fence) this.found.push({ text: this.fence.lines.join("\n"), code: "block" });
    this.fence = null;
    if (this.paragraph.length) this.#endParagraph();
    this.paragraph = [];
  }

  /** Lines keep the marks of quotes and lists before them, but not inside of code. */
  #endParagraph() {
    let line = 0;
    this.text(this.paragraph[0].before);
    for (const piece of spans(this.paragraph.map((each) => each.text).join("\n"))) {
      if (piece.code) this.found.push({ text: piece.text, code: piece.code });
      else this.text(piece.text.replace(/\n/g, () => `\n${this.paragraph[++line].before}`));
      line += piece.breaks ?? 0;
    }
    this.text("\n");
  }

  line(line) {
    const matched = this.#match(line);
    if (this.fence && matched === this.containers.length) {
      const rest = line.text.slice(line.next).replace(/[ \t]+$/, "");
      const { mark, indent, lines } = this.fence;
      if (line.indent < INDENTED && rest.length >= mark.length && [...rest].every((each) => each === mark[0])) {
        this.end();
      } else {
        line.skip(indent);
        lines.push(line.text.slice(line.at));
      }
      return;
    }
    if (this.fence) this.end();
    this.#open(line, matched);
  }

  /** How many of the containers go on in this line. */
  #match(line) {
    let index = 0;
    while (index < this.containers.length) {
      const needed = this.containers[index];
      if (line.isBlank && needed !== QUOTE) {  // all items up to the next quote, but for an empty one
        index = this.quotes[countTo(this.quotes, index)] ?? this.containers.length;
        if (index === this.containers.length && this.isEmpty) return index - 1;
      } else if (needed === QUOTE && this.#isQuote(line)) {
        line.take(1);
        line.skip(1);
        index++;
      } else if (needed !== QUOTE && line.indent >= needed) {
        line.skip(needed);
        index++;
      } else {
        break;
      }
    }
    return index;
  }

  #isQuote(line) { return line.indent < INDENTED && line.mark === ">"; }

  /** Close the paragraph, and the containers that do not go on. */
  #close(matched) {
    this.end();
    if (matched >= this.containers.length) return;
    this.isEmpty = false;
    this.containers.length = matched;
    this.quotes.length = countTo(this.quotes, matched - 1);
  }

  /** Open the blocks that begin in this line; its text continues a paragraph or begins one. */
  #open(line, matched) {
    let continues = this.paragraph.length > 0 && matched === this.containers.length;
    while (!line.isBlank && line.indent < INDENTED) {
      if (continues && matchAt(/(?:=+|-+)[ \t]*$/y, line.text, line.next)) {
        this.end();
        this.text(`${line.text}\n`);
        return;
      }
      const needed = this.#container(line, continues);
      if (needed === null) {
        if (!line.isBreak && !line.fence && !matchAt(/#{1,6}(?=[ \t]|$)/y, line.text, line.next)) break;
        this.#close(matched);
        this.#leaf(line);
        return;
      }
      this.#close(matched);
      if (needed === QUOTE) this.quotes.push(this.containers.length);
      this.containers.push(needed);
      this.isEmpty = needed !== QUOTE;
      [matched, continues] = [this.containers.length, false];
    }
    if (line.isBlank || !this.paragraph.length) this.#close(matched);  // otherwise a lazy line goes on
    if (line.isBlank) {
      this.text(`${line.text}\n`);
      return;
    }
    this.isEmpty = false;
    if (line.indent >= INDENTED && !this.paragraph.length) this.text(`${line.text}\n`);  // code by its indent alone
    else this.paragraph.push({ before: line.text.slice(0, line.next), text: line.text.slice(line.next) });
  }

  #leaf(line) {
    this.isEmpty = false;
    const before = line.text.slice(0, line.next);
    if (line.fence) {
      if (before.trim()) this.text(before);
      this.fence = { mark: line.fence, indent: line.indent, lines: [] };
    } else {
      this.paragraph = [{ before, text: line.text.slice(line.next) }];
      this.end();
    }
  }

  /** Read the mark of a quote or of a list item; returns what its content needs, null for neither. */
  #container(line, continues) {
    if (this.#isQuote(line)) {
      line.take(1);
      line.skip(1);
      return QUOTE;
    }
    const found = line.isBreak ? null : matchAt(/(?:[*+-]|(\d{1,9})[.)])(?=[ \t]|$)/y, line.text, line.next);
    if (!found) return null;
    const [mark, number] = found;
    const ends = !(number ?? "1").match(/^1$/) || !line.text.slice(line.next + mark.length).trim();
    if (continues && ends) return null;  // such an item does not end a paragraph
    const needed = line.indent + mark.length;
    line.take(mark.length);
    const width = line.isBlank || line.indent >= WIDEST ? 1 : line.indent;
    line.skip(width);
    return needed + width;
  }
}

/** The text and the code spans of a block. Addresses in `<>` and HTML tags hold no code. */
function* spans(text) {
  const runs = new Map();
  for (const { 0: run, index } of text.matchAll(/`+/g)) {
    if (!runs.has(run.length)) runs.set(run.length, []);
    runs.get(run.length).push(index);
  }
  const endless = new Set();
  const special = /\\[!-/:-@[-`{-~]|`+|</g;
  let begin = 0;
  for (let found = special.exec(text); found; found = special.exec(text)) {
    const { 0: mark, index } = found;
    if (mark === "<") {
      special.lastIndex = htmlEnd(text, index, endless) ?? special.lastIndex;
    } else if (mark[0] === "`") {
      const closing = runs.get(mark.length)?.[countTo(runs.get(mark.length), index)];
      if (closing === undefined) continue;
      yield { text: text.slice(begin, index) };
      const raw = text.slice(special.lastIndex, closing);
      const code = raw.replace(/\n/g, " ");
      const padded = /[^ ]/.test(code) && code[0] === " " && code.at(-1) === " ";
      yield { text: padded ? code.slice(1, -1) : code, code: "span", breaks: raw.split("\n").length - 1 };
      begin = special.lastIndex = closing + mark.length;
    }
  }
  yield { text: text.slice(begin) };
}

/** The end of the address in `<>` or of the HTML tag that begins here, if one does. */
function htmlEnd(text, at, endless) {
  const found = matchAt(AUTOLINK, text, at) ?? matchAt(TAG, text, at);
  if (found) return at + found[0].length;
  if (text.startsWith("<!-->", at) || text.startsWith("<!--->", at)) return text.indexOf(">", at) + 1;
  const opaque = OPAQUE.find(([first]) => text.startsWith(first, at));
  if (opaque) return after(text, opaque[1], at + opaque[0].length, endless);
  return matchAt(DECLARATION, text, at) ? after(text, ">", at, endless) : undefined;
}

/** `endless` keeps what ends nowhere, so that it is searched for once. */
function after(text, last, at, endless) {
  const end = endless.has(last) ? -1 : text.indexOf(last, at);
  if (end < 0) endless.add(last);
  return end < 0 ? undefined : end + last.length;
}
