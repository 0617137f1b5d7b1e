// SPDX-License-Identifier: GPL-3.0-or-later
// The page of addend blocks: a list of pieces of code, and one of them in its four forms.
'use strict';

const COLUMNS = ['id', 'hart', 'tier', 'mode', 'dead', 'pc', 'symbol', 'percent', 'count', 'insns', 'host', 'expansion',
  'ms', 'bundle', 'place', 'functions', 'targets']; // of a row of the index, as html.c writes it
const TIERS = ['interpreter', 'baseline', 'region'];
const SORTS = [['percent', 'heat'], ['count', 'count'], ['insns', 'guest insns'], ['host', 'host bytes'],
  ['expansion', 'expansion'], ['ms', 'compile ms'], ['pc', 'address']];
const ROW = 24; // pixels, as in page.css
const MODES = {0: 'U', 1: 'S', 3: 'M'}; // by MMU index of fetches
const CHUNK = 64; // lines
const EDGES_SHOWN = 40;
const MARK_CLASS = {'+': 'add', '~': 'chg', ' ': ''};

const $ = id => document.getElementById(id);
const escapes = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'};
const esc = text => String(text).replace(/[&<>"]/g, c => escapes[c]);
const percent = x => x >= 0.01 ? x.toFixed(2) + ' %' : x >= 0.00005 ? x.toFixed(4) + ' %' : '–';
const count = n => n.toLocaleString('en').replaceAll(',', '\u202f');

let index, rows, shown, byId; // shown: the rows that pass the filter, in order
const bundles = [];           // promises, by number
const incoming = new Map();   // id -> ids of pieces with an edge to it
const tierOn = [true, true, true];
let present = null, piece = null, pass = null; // the row, what is known of it, and which form of IR
let held = -1, lit = -1, linesOf = [];         // by instruction: its lines in all columns

// --- data

// The page works while the data behind this script are still being read. What has something behind it is all there.
async function element(id) {
  while (document.readyState === 'loading' && !$(id)?.nextElementSibling)
    await new Promise(done => setTimeout(done, 5));
  return $(id);
}

async function unpack(id) {
  const text = atob((await element(id)).textContent), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++)
    bytes[i] = text.charCodeAt(i);
  const unpacker = new DecompressionStream('gzip'), writer = unpacker.writable.getWriter();
  writer.write(bytes);
  writer.close();
  return new Response(unpacker.readable).json();
}

const bundle = n => bundles[n] ??= unpack('d' + n);
const load = async row => (await bundle(row.bundle))[row.place];

// --- list

function codeText(p) {
  const insns = p.insns.map(i => `${i.text} ${i.file || ''} ${i.source || ''}`);
  const forms = (p.forms || []).map(f => f.text || '');
  const host = p.host ? [p.host.text, ...p.host.notes.map(n => n[1])] : [];
  return [...insns, ...forms, ...host].join('\n').toLowerCase();
}

// What a filter looks at grows by the code, if that is wanted; each bundle is unpacked once.
async function loadTexts() {
  for (const row of rows) {
    if (row.deep)
      continue;
    row.deep = codeText(await load(row));
    if (!$('deep').checked)
      return;
  }
}

let filters = 0; // of which the last one counts
async function filter() {
  const mine = ++filters;
  const words = $('filter').value.toLowerCase().split(/\s+/).filter(w => w), deep = $('deep').checked;
  if (deep && words.length && !rows[rows.length - 1]?.deep) {
    $('found').textContent = 'reading the code …';
    await loadTexts();
    if (mine !== filters)
      return;
  }
  const key = $('sort').value;
  shown = rows.filter(r => tierOn[r.tier] && words.every(w => r.text.includes(w) || (deep && r.deep?.includes(w))));
  if (key === 'pc')
    shown.sort((a, b) => a.address < b.address ? -1 : a.address > b.address ? 1 : 0);
  else
    shown.sort((a, b) => b[key] - a[key] || a.id - b.id);
  const heat = shown.reduce((sum, r) => sum + r.percent, 0);
  $('found').textContent = `${count(shown.length)} of ${count(rows.length)} pieces, ${heat.toFixed(2)} % of the heat` +
    (rows.length < index.n_pieces ? `; ${count(index.n_pieces - rows.length)} more are not in this page` : '');
  $('rows').style.height = shown.length * ROW + 'px';
  drawRows();
}

function rowHtml(row, i, key, most) {
  const value = key === 'percent' || key === 'pc' ? '' : `<span class="val num">${count(row[key])}</span>`;
  return `<div class="row${row === present ? ' sel' : ''}" style="top:${i * ROW}px" data-id="${row.id}" title="${
    esc(`${row.symbol || ''} ${row.pc}, ${TIERS[row.tier]}, entered ${count(row.count)} times, mode ${
      MODES[row.mode] || row.mode}, hart ${row.hart}${row.dead ? ', dead' : ''}`)}">` +
    `<span class="bar" style="width:${(100 * row.percent / most).toFixed(2)}%"></span>` +
    `<span class="rank num">${row.id + 1}</span><span class="pct num">${percent(row.percent)}</span>` +
    `<i class="dot t${row.tier}"></i>` +
    `<span class="sym${row.dead ? ' dead' : ''}">${esc(row.symbol || row.pc)}</span>${value}<span class="val">${
      MODES[row.mode] || row.mode}${index.harts > 1 ? row.hart : ''}</span></div>`;
}

function drawRows() {
  const list = $('list'), first = Math.max(0, Math.floor(list.scrollTop / ROW) - 8);
  const end = Math.min(shown.length, first + Math.ceil(list.clientHeight / ROW) + 16), key = $('sort').value;
  const most = rows[0]?.percent || 1;
  let html = '';
  for (let i = first; i < end; i++)
    html += rowHtml(shown[i], i, key, most);
  $('rows').innerHTML = html;
}

function scrollToRow(i) {
  const list = $('list'), top = i * ROW;
  if (top < list.scrollTop)
    list.scrollTop = top;
  else if (top + ROW > list.scrollTop + list.clientHeight)
    list.scrollTop = top + ROW - list.clientHeight;
}

// --- the head of a piece

const STAGE_HUES = [210, 30, 130, 280, 0, 180, 55, 320];

function stagesHtml(p) {
  const total = p.stages.reduce((sum, s) => sum + s.ns, 0);
  if (!total)
    return '';
  const colour = i => `hsl(${STAGE_HUES[i % STAGE_HUES.length]} 55% 55%)`;
  const bars = p.stages.map((s, i) => `<i style="flex:${s.ns} 0 0;background:${colour(i)}" title="${s.name}: ${
    (s.ns / 1e6).toFixed(3)} ms"></i>`).join('');
  const key = p.stages.map((s, i) => `<span><i style="background:${colour(i)}"></i>${esc(s.name)} ${
    (s.ns / 1e6).toFixed(3)} ms</span>`).join('');
  return `<div class="stages">${bars}</div><div class="key"><b>cost ${(total / 1e6).toFixed(3)} ms</b>${key}</div>`;
}

// To a piece, if it is in this page.
function link(id, text) {
  const all = `${text} <span class="num">#${id + 1}</span>`;
  return byId.has(id) ? `<a href="#p${id}">${all}</a>` : all;
}

// Inside of the piece it is the way to an instruction, else to another piece.
function edgeHtml(e, p, id) {
  const where = e.to === null ? 'wherever a register says' : esc(e.symbol || e.to);
  const at = e.to_piece === id ? p.insns.findIndex(i => i.pc === e.to) : -1;
  const target = at >= 0 ? `<a data-insn="${at}">b${p.insns[at].block} ${where}</a>` :
    e.to_piece === null ? where : link(e.to_piece, where);
  return `${esc(e.kind)} → ${target}${e.chained ? ' <span class="dim">chained</span>' : ''}${
    e.count ? ` <span class="dim num">× ${count(e.count)}</span>` : ''}`;
}

function edgesHtml(p, row) {
  const out = p.edges.filter(e => e.to_piece !== row.id);
  const to = out.map(e => `<div class="edge"><span class="dim">${e.from}</span> ${edgeHtml(e, p, row.id)}</div>`);
  const all = (incoming.get(row.id) || []).filter(id => id !== row.id).map(id => byId.get(id));
  all.sort((a, b) => a.id - b.id);
  const from = all.slice(0, EDGES_SHOWN).map(r => `<div class="edge">${link(r.id, esc(r.symbol || r.pc))} ` +
      `<span class="dim num">${percent(r.percent)}</span></div>`).join('') +
    (all.length > EDGES_SHOWN ? `<div class="edge dim">and ${count(all.length - EDGES_SHOWN)} colder ones</div>` : '');
  const open = out.length < 7 && all.length < 7 ? ' open' : '';
  return `<details${open}><summary>${out.length} way${out.length === 1 ? '' : 's'} out, ${all.length} in</summary>` +
    `<div class="edges"><div>${to.join('')}</div><div>${from}</div></div></details>`;
}

function headHtml(p, row) {
  const fact = (name, value) => `<span><span class="dim">${name}</span> <b>${value}</b></span>`;
  const blocks = `${p.blocks.length} block${p.blocks.length > 1 ? 's' : ''}`;
  const facts = [fact('heat', percent(row.percent)), fact('entered', count(p.count)),
    fact('guest', `${p.insns.length} insns, ${p.guest_bytes} bytes, ${blocks}`)];
  if (p.host_bytes)
    facts.push(fact('host', `${count(p.host_bytes)} bytes + ${count(p.cold_bytes)} cold`),
      fact('expansion', p.expansion.toFixed(1)));
  facts.push(fact('hart', p.hart), fact('mode', `${MODES[p.mode] || p.mode}${p.paged ? ', paged' : ''}`));
  if (p.loaded)
    facts.push(fact('', 'from the code cache'));
  if (p.times_made)
    facts.push(fact('made', `${p.times_made + 1} times`));
  if (p.dead)
    facts.push(fact('', 'dead'));
  return `<h2><span class="badge t${row.tier}">${p.tier}</span> ${esc(p.symbol || '')} <span class="dim">${p.pc} · #${
    row.id + 1}</span></h2><div class="facts">${facts.join('')}</div>` +
    `<div class="why"><span class="dim">ends:</span> ${esc(p.end_reason || '?')}</div>` +
    (p.not_better ? `<div class="why"><span class="dim">not in a better tier:</span> ${esc(p.not_better)}</div>` : '') +
    stagesHtml(p) + edgesHtml(p, row);
}

// --- the forms

const hue = i => (i * 47) % 360;

function line(i, html, kind = '', title = '') {
  const of = i >= 0 ? ` data-i="${i}" style="--h:${hue(i)}"` : '';
  return `<div class="l${kind ? ' ' + kind : ''}"${of}${title ? ` title="${esc(title)}"` : ''}>${html || ' '}</div>`;
}

function mnemonic(text) {
  const at = text.search(/\s/), m = at < 0 ? text : text.slice(0, at);
  return `<span class="m">${esc(m)}</span>${at < 0 ? '' : esc(text.slice(at))}`;
}

function guestHtml(p) {
  const out = [], edges = new Map();
  for (const e of p.edges)
    edges.set(e.from, [...(edges.get(e.from) || []), e]);
  let source = '';
  p.insns.forEach((insn, i) => {
    const b = p.blocks[insn.block];
    if (b.first_insn === i) {
      const share = b.entry ? ' · entry' : '';
      out.push(line(-1, `b${insn.block} ${esc(b.symbol || '')} · ${count(b.count)} ×${share}`, 'blk',
        'ran so often'));
    }
    const now = insn.file ? `${insn.file}:${insn.line}` : '';
    if (now && (now !== source || b.first_insn === i))
      out.push(line(i, `${esc(insn.file.replace(/.*\//, ''))}:${insn.line}  ${esc(insn.source || '')}`, 'src', now));
    source = now || source;
    out.push(line(i, `<span class="a">${insn.pc.slice(2)}</span>  ${mnemonic(insn.text)}`, 'insn',
      `${insn.function || ''} ${insn.pc}: ${insn.bits}`));
    for (const e of edges.get(insn.pc) || [])
      out.push(line(i, edgeHtml(e, p, p.id), 'out'));
  });
  return out;
}

// The form that has the text: one that a pass left as it was has none.
function textOf(k) {
  while (k > 0 && piece.forms[k].text === undefined)
    k--;
  return piece.forms[k];
}

function irLine(text) {
  if (/^ *insn /.test(text))
    return `<span class="c">${esc(text)}</span>`;
  const m = /^( *)(v\d+ = )?([\w.]+)(.*)$/.exec(text);
  return m ? `${m[1]}${m[2] || ''}<span class="m">${m[3]}</span>${esc(m[4])}` : esc(text);
}

function irHtml(k) {
  const form = textOf(k), lines = form.text.replace(/\n$/, '').split('\n'), out = [];
  const marks = $('diff').checked && k > 0 && form === piece.forms[k] ? form.marks : null;
  const before = marks ? textOf(k - 1) : null, old = before ? before.text.split('\n') : [];
  const was = new Map(marks ? form.was : []);
  let r = 0;
  for (let i = 0; i <= lines.length; i++) {
    for (; marks && r < form.removed.length && form.removed[r][0] === i; r++)
      out.push(line(before.insns[form.removed[r][1]], esc(old[form.removed[r][1]]), 'del'));
    if (i < lines.length)
      out.push(line(form.insns[i], irLine(lines[i]), marks ? MARK_CLASS[marks[i]] : '',
        was.has(i) ? 'was ' + old[was.get(i)].trim() : ''));
  }
  return out;
}

// Declarations, of which GCC makes one for each value, become one line.
function gimpleHtml(form) {
  const out = [], lines = form.text.replace(/\n$/, '').split('\n'), end = lines.indexOf('');
  const declared = lines.slice(0, Math.max(end, 0)).filter(text => /^ +[^/]*;$/.test(text));
  lines.forEach((text, i) => {
    if (i > end || !declared.includes(text))
      out.push(line(form.insns[i], esc(text), /^\s*\/\* 0x/.test(text) ? 'mark' : ''));
    else if (text === declared[0])
      out.push(line(-1, `  … ${declared.length} declarations`, 'note', declared.map(d => d.trim()).join('\n')));
  });
  return out;
}

// Host instructions of a piece: address, and where that is in its part, such as "+01c" or "cold+01c".
function hostPlaces(host) {
  const starts = new Map(host.starts), places = [];
  let at = 0n, start = 0n;
  host.len.forEach((len, i) => {
    at = starts.has(i) ? BigInt(starts.get(i)) : at + BigInt(host.len[i - 1]);
    if (i === 0 || i === host.cold)
      start = at;
    places.push({at, name: (i < host.cold ? '+' : 'cold+') + (at - start).toString(16).padStart(3, '0')});
  });
  return places;
}

function hostHtml(host) {
  const places = hostPlaces(host), notes = new Map(host.notes), out = [];
  const byAddress = new Map(places.map((p, i) => ['0x' + p.at.toString(16), i]));
  const inside = address => byAddress.has(address) ?
    `<a data-host="${byAddress.get(address)}">${places[byAddress.get(address)].name}</a>` : address;
  host.text.split('\n').forEach((text, i) => {
    if (i === host.cold)
      out.push(line(-1, 'out of line', 'blk'));
    const shown = mnemonic(text).replace(/0x[0-9a-f]{6,}/g, inside);
    const note = notes.has(i) ? `  <span class="c"># ${esc(notes.get(i))}</span>` : '';
    out.push(line(host.insn[i], `<span class="a">${places[i].name.replace(/\D*\+/, '')}</span>  ${shown}${note}`, 'at',
      `0x${places[i].at.toString(16)}, ${host.len[i]} bytes`));
  });
  return out;
}

const none = text => [`<div class="none">${text}</div>`];
const NOT_FILLED = 'Not in this page: only the hottest pieces of the run were made again with everything told ' +
  '(<code>--fill N</code>, <code>--fill-time SECONDS</code>).';

// Lines go in chunks, of which the browser lays out those that are seen. The first ones are there at once, the others
// when there is time, or somebody goes there.
const later = []; // [chunk, its lines]

function column(name, lines) {
  const code = document.querySelector(`#c-${name} .code`);
  code.replaceChildren();
  for (let i = 0; i < lines.length; i += CHUNK) {
    const chunk = document.createElement('div'), some = lines.slice(i, i + CHUNK);
    chunk.className = 'chunk';
    chunk.style.containIntrinsicHeight = `auto ${some.length * 17}px`;
    if (i < 2 * CHUNK)
      chunk.innerHTML = some.join('');
    else
      later.push([chunk, some]);
    code.append(chunk);
  }
}

function fill(deadline) {
  while (later.length && (!deadline || deadline.timeRemaining() > 1)) {
    const [chunk, some] = later.shift(); // in their order, as linesOf has it
    if (!chunk.isConnected)
      continue; // of a piece that was left
    chunk.innerHTML = some.join('');
    collectLines(chunk);
  }
  fillLater();
}

function fillLater() {
  if (later.length)
    requestIdleCallback(fill);
}

function collectLines(inside) {
  for (const l of inside.querySelectorAll('.l[data-i]'))
    (linesOf[l.dataset.i] ??= []).push(l);
  const again = [[lit, 'hot'], [held, 'held']];
  for (const [i, kind] of again)
    for (const l of linesOf[i] || [])
      l.classList.add(kind);
}

function passes() {
  return (piece.forms || []).filter(f => f.name !== 'GIMPLE');
}

function drawIr() {
  const all = passes();
  column('ir', all.length ? irHtml(Math.min(pass, all.length - 1)) : none(NOT_FILLED));
  linesOf = [];
  collectLines($('forms'));
  fillLater();
}

function drawForms() {
  const all = passes(), gimple = (piece.forms || []).find(f => f.name === 'GIMPLE');
  $('pass').innerHTML = all.map((f, i) => `<option value="${i}">${i ? 'after ' : ''}${esc(f.name)} · ${f.n_ops} ops${
    i && !f.changed ? ' (as before)' : ''}</option>`).join('');
  pass = Math.max(0, all.length - 1);
  $('pass').value = pass;
  column('guest', guestHtml(piece));
  column('gimple', gimple ? gimpleHtml(gimple) : none(piece.tier !== 'region' ?
    'Only regions go through GCC: baseline code is put together from stencils, and the interpreter runs IR.' :
    NOT_FILLED));
  column('host', piece.host?.len.length ? hostHtml(piece.host) : none(piece.tier === 'interpreter' ?
    'The interpreter has no host code of its own.' : NOT_FILLED));
  $('exact').textContent = piece.host?.len.length && !piece.exact ? 'made anew, not quite the code that ran' : '';
  document.querySelector('#c-gimple').classList.toggle('off', !gimple && piece.tier !== 'region');
  document.querySelector('#c-host').classList.toggle('off', piece.tier === 'interpreter');
  drawIr();
  for (const code of document.querySelectorAll('#forms .code'))
    code.scrollTo(0, 0);
}

async function show(row) {
  present = row;
  const p = await load(row);
  if (row !== present)
    return; // somebody went on meanwhile
  piece = p;
  held = lit = -1;
  $('head').innerHTML = headHtml(p, row);
  $('head').scrollTop = 0;
  drawForms();
  const at = shown.indexOf(row);
  if (at >= 0)
    scrollToRow(at);
  drawRows();
  document.title = `${row.symbol || row.pc} – addend blocks`;
}

// --- lines that belong together

function light(i) {
  if (i === lit)
    return;
  for (const l of linesOf[lit] || [])
    l.classList.remove('hot');
  for (const l of linesOf[i] || [])
    l.classList.add('hot');
  lit = i;
}

// Twice, because chunks get their real height when they are first seen.
function scrollToLine(l, again = true) {
  const code = l.closest('.code');
  code.scrollTop += l.getBoundingClientRect().top - code.getBoundingClientRect().top - code.clientHeight / 3;
  if (again)
    requestAnimationFrame(() => scrollToLine(l, false));
}

function bring(i, except) {
  const columns = new Set();
  for (const l of linesOf[i] || []) {
    const code = l.closest('.code');
    if (code === except || columns.has(code))
      continue;
    columns.add(code);
    scrollToLine(l);
  }
}

// The target of a jump in host code.
function bringHost(i) {
  fill();
  const l = document.querySelectorAll('#c-host .l.at')[i];
  scrollToLine(l);
  l.classList.add('held');
  setTimeout(() => l.classList.remove('held'), 800);
}

function hold(i, from) {
  fill();
  for (const l of linesOf[held] || [])
    l.classList.remove('held');
  held = i === held ? -1 : i;
  for (const l of linesOf[held] || [])
    l.classList.add('held');
  if (held >= 0)
    bring(held, from);
}

const insnAt = target => +(target.closest?.('.l[data-i]')?.dataset.i ?? -1);

// --- what the user does

function fromHash() {
  const m = /^#p(\d+)$/.exec(location.hash);
  return m && byId.get(+m[1]);
}

let moving = 0;
function move(by) {
  const at = shown.indexOf(present), next = shown[Math.max(0, Math.min(shown.length - 1, at + by))];
  if (!next || next === present)
    return;
  history.replaceState(null, '', '#p' + next.id);
  present = next;
  cancelAnimationFrame(moving);
  moving = requestAnimationFrame(() => show(next));
}

function movePass(by) {
  const to = Math.max(0, Math.min(passes().length - 1, pass + by));
  if (to === pass)
    return;
  $('pass').value = pass = to;
  drawIr();
}

const COLUMN_IDS = ['c-guest', 'c-ir', 'c-gimple', 'c-host'];

const KEYS = {
  ArrowDown: () => move(1), ArrowUp: () => move(-1), j: () => move(1), k: () => move(-1),
  PageDown: () => move(20), PageUp: () => move(-20), Home: () => move(-rows.length), End: () => move(rows.length),
  ArrowLeft: () => movePass(-1), ArrowRight: () => movePass(1),
  '/': () => $('filter').focus(), '?': () => $('legend').showModal(),
  Escape: () => { if (held >= 0) hold(held); },
};

function onKey(event) {
  const typing = event.target.matches('input[type=search], select');
  if (event.key === 'Escape' && typing) {
    $('filter').value = '';
    event.target.blur();
    filter();
  } else if (typing && event.target === $('filter') && event.key === 'Enter') {
    event.target.blur();
    if (shown[0])
      location.hash = '#p' + shown[0].id;
  } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey && !$('legend').open) {
    if (event.key >= '1' && event.key <= '4')
      $(COLUMN_IDS[event.key - 1]).classList.toggle('off');
    else if (!KEYS[event.key])
      return;
    else
      KEYS[event.key]();
    event.preventDefault();
  }
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
}

function drag(event) {
  const nav = document.querySelector('nav');
  const to = e => { nav.style.width = Math.max(220, Math.min(innerWidth - 300, e.clientX)) + 'px'; };
  event.preventDefault();
  addEventListener('mousemove', to);
  addEventListener('mouseup', () => removeEventListener('mousemove', to), {once: true});
}

function listen() {
  $('filter').addEventListener('input', filter);
  $('deep').addEventListener('change', filter);
  $('sort').addEventListener('change', () => { $('list').scrollTop = 0; filter(); });
  $('list').addEventListener('scroll', drawRows);
  addEventListener('resize', drawRows);
  $('rows').addEventListener('click', e => {
    const row = e.target.closest('.row');
    if (row)
      location.hash = '#p' + row.dataset.id;
  });
  $('tiers').addEventListener('click', e => {
    const b = e.target.closest('.tier');
    if (!b)
      return;
    tierOn[b.dataset.tier] = !tierOn[b.dataset.tier];
    b.classList.toggle('off', !tierOn[b.dataset.tier]);
    filter();
  });
  addEventListener('hashchange', () => show(fromHash() || rows[0]));
  addEventListener('keydown', onKey);
  $('forms').addEventListener('mouseover', e => light(insnAt(e.target)));
  $('forms').addEventListener('mouseleave', () => light(-1));
  $('forms').addEventListener('click', e => {
    const i = insnAt(e.target), head = e.target.closest('h3');
    const host = e.target.closest('a[data-host]'), to = e.target.closest('a[data-insn]');
    if (host)
      bringHost(+host.dataset.host);
    if (to && held !== +to.dataset.insn)
      hold(+to.dataset.insn);
    if (head && !e.target.closest('select, label'))
      head.parentElement.classList.toggle('off');
    else if (i >= 0 && !e.target.closest('a') && !String(getSelection()))
      hold(i, e.target.closest('.code'));
  });
  $('pass').addEventListener('change', e => { pass = +e.target.value; drawIr(); e.target.blur(); });
  $('diff').addEventListener('change', drawIr);
  $('theme').addEventListener('click', () =>
    setTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'));
  $('help').addEventListener('click', () => $('legend').showModal());
  $('drag').addEventListener('mousedown', drag);
}

async function start() {
  setTheme(matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
  index = await unpack('index');
  rows = index.rows.map(r => Object.fromEntries(COLUMNS.map((name, i) => [name, r[i]])));
  byId = new Map(rows.map(r => [r.id, r]));
  for (const r of rows) {
    r.address = BigInt(r.pc);
    r.text = [r.symbol, ...r.functions, r.pc, TIERS[r.tier], 'hart' + r.hart].join(' ').toLowerCase();
    for (const id of r.targets)
      incoming.set(id, [...(incoming.get(id) || []), r.id]);
  }
  const harts = `${index.harts} hart${index.harts > 1 ? 's' : ''}`;
  $('run').textContent = `${index.guest || 'guest'} on ${index.machine}, ${harts}, -accel ${index.accel}: ` +
    `${count(index.insns)} instructions in ${index.seconds.toFixed(2)} s` +
    (index.ended ? '; ' + index.ended : '');
  $('tiers').innerHTML = index.tiers.map((t, i) => `<button class="tier" data-tier="${i}" title="${
    (100 * t.heat / (index.heat || 1)).toFixed(2)} % of the heat"><i class="dot t${i}"></i>${t.tier} ${
    count(t.pieces)}</button>`).reverse().join('');
  $('sort').innerHTML = SORTS.map(([key, name]) => `<option value="${key}">${name}</option>`).join('');
  listen();
  await filter();
  const first = fromHash() || rows[0];
  if (first)
    await show(first);
  document.documentElement.dataset.ready = performance.now().toFixed(0); // for the test, and who wonders
}

start().catch(error => { $('head').textContent = 'This browser cannot show the page: ' + error; });
