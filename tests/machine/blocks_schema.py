# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/blocks.md says of the JSON of addend blocks, as a check of a document.

A schema is a type, a pattern of a string, a set of values, (schema, None) for what may be null, [schema] for an array,
or a dictionary of members, those with a question mark behind their name may be missing."""
import re

HEX = '0x[0-9a-f]+'
COUNT, TEXT = int, str

RUN = {'schema_version': {1}, 'guest': (TEXT, None), 'machine': TEXT, 'accel': {'jit', 'interp', 'baseline', 'check'},
       'ended': (TEXT, None), 'harts': COUNT, 'seconds': float, 'insns': COUNT, 'heat': COUNT, 'n_pieces': COUNT,
       'tiers': [{'tier': TEXT, 'pieces': COUNT, 'heat': COUNT}]}
BLOCK = {'pc': HEX, 'end': HEX, 'symbol': (TEXT, None), 'first_insn': COUNT, 'n_insns': COUNT, 'count': COUNT,
         'entry': bool}
INSN = {'pc': HEX, 'bits': HEX, 'len': {2, 4}, 'block': COUNT, 'text': TEXT, 'function': (TEXT, None), 'image?': TEXT,
        'file?': TEXT, 'line?': COUNT, 'source?': TEXT}
EDGE = {'kind': {'next', 'taken', 'indirect', 'system', 'leave'}, 'from': HEX, 'to': (HEX, None),
        'symbol': (TEXT, None), 'to_piece': (COUNT, None), 'chained': bool, 'count': COUNT}
FORM = {'name': TEXT, 'changed': bool, 'n_ops': COUNT, 'text?': TEXT, 'insns?': [int], 'marks?': '[ +~]*',
        'removed?': [[COUNT]], 'was?': [[COUNT]]}
HOST = {'addr': HEX, 'len': COUNT, 'cold': bool, 'insn': int, 'text': TEXT, 'note?': TEXT}
PIECE = {'id': COUNT, 'hart': COUNT, 'tier': {'interpreter', 'baseline', 'region'}, 'pc': HEX, 'symbol': (TEXT, None),
         'mode': COUNT, 'paged': bool, 'dead': bool, 'loaded': bool, 'times_made': COUNT, 'count': COUNT, 'heat': COUNT,
         'heat_percent': float, 'guest_bytes': COUNT, 'host_bytes': COUNT, 'cold_bytes': COUNT, 'expansion': float,
         'end_reason': (TEXT, None), 'not_better': (TEXT, None), 'stages': [{'name': TEXT, 'ns': COUNT}],
         'blocks': [BLOCK], 'insns': [INSN], 'edges': [EDGE], 'forms?': [FORM], 'host?': [HOST], 'exact?': bool}
DOCUMENT = {**RUN, 'pieces': [PIECE]}


class SchemaError(AssertionError):
    """A document is not what it should be; names the place."""


def check(value, schema, where='document'):
    if isinstance(schema, tuple):
        if value is not None:
            check(value, schema[0], where)
    elif isinstance(schema, set):
        if value not in schema:
            raise SchemaError(f'{where}: {value!r} is none of {schema}')
    elif isinstance(schema, list):
        if not isinstance(value, list):
            raise SchemaError(f'{where}: is no array')
        for i, element in enumerate(value):
            check(element, schema[0], f'{where}[{i}]')
    elif isinstance(schema, dict):
        names = {name.rstrip('?') for name in schema}
        missing = {name for name in schema if not name.endswith('?')} - set(value)
        if missing or set(value) - names:
            raise SchemaError(f'{where}: without {missing}, with {set(value) - names}')
        for name, member in schema.items():
            if name.rstrip('?') in value:
                check(value[name.rstrip('?')], member, f'{where}.{name}')
    elif isinstance(schema, str):
        if not isinstance(value, str) or not re.fullmatch(schema, value):
            raise SchemaError(f'{where}: {value!r} is not {schema}')
    elif schema is float:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or value < 0:
            raise SchemaError(f'{where}: {value!r} is no number')
    elif type(value) is not schema:  # bool is an int
        raise SchemaError(f'{where}: {value!r} is no {schema.__name__}')


def check_forms(piece, where):
    """Lines and their marks; places in other arrays."""
    n, before = len(piece['insns']), 0
    for form in piece.get('forms', []):
        if 'text' not in form:
            if form['changed']:
                raise SchemaError(f'{where}: {form["name"]} changed something and has no text')
            continue
        lines = len(form['text'].splitlines())
        if len(form['insns']) != lines or any(not -1 <= i < n for i in form['insns']):
            raise SchemaError(f'{where}: {form["name"]}: {lines} lines, {len(form["insns"])} instructions')
        if 'marks' in form:
            if len(form['marks']) != lines or form['marks'].count('~') != len(form['was']):
                raise SchemaError(f'{where}: {form["name"]}: marks of {lines} lines')
            kept = lines - form['marks'].count('+')
            if kept + len(form['removed']) != before:
                raise SchemaError(f'{where}: {form["name"]}: {before} lines before, {kept} kept, '
                                  f'{len(form["removed"])} removed')
        before = lines
    if any(not -1 <= h['insn'] < n for h in piece.get('host', [])):
        raise SchemaError(f'{where}: host code of an instruction that is not there')


def check_document(d):
    check(d, DOCUMENT)
    ids = [p['id'] for p in d['pieces']]
    if ids != sorted(set(ids)):
        raise SchemaError('ids are not in order')
    heat = [p['heat'] for p in d['pieces']]
    if heat != sorted(heat, reverse=True):
        raise SchemaError('pieces are not in the order of heat')
    for i, p in enumerate(d['pieces']):
        where = f'pieces[{i}]'
        check_forms(p, where)
        if sum(b['n_insns'] for b in p['blocks']) != len(p['insns']):
            raise SchemaError(f'{where}: instructions of no block')
        if sum(insn['len'] for insn in p['insns']) != p['guest_bytes']:
            raise SchemaError(f'{where}: guest_bytes')
        for e in p['edges']:
            if e['to_piece'] is not None and e['to_piece'] >= d['n_pieces']:
                raise SchemaError(f'{where}: an edge to a piece that is not there')
