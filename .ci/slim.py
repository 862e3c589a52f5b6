"""What Quarto gives to every page and no page uses, taken away again; and its search, put in the book's order."""
import base64, html, io, json, re
from pathlib import Path

# What people type who know the field, and which chapter it is about
SYNONYMS = dict(data='MNIST dataset loading parsing IDX batches', random='pseudorandom number generator PRNG RNG seed LCG', loops='naive matmul triple loop baseline interpreter overhead',
                numba='JIT just-in-time compilation compiler LLVM loop order cache line locality prange parallel threads false sharing SIMD vectorisation',
                broadcasting='strides views vectorization vectorised outer product NumPy rules', einsum='Einstein summation tensor contraction notation',
                cuda='GPU coalescing coalesced memory access tiling tiles shared memory bank conflicts race condition barrier warp divergence simulator',
                gemm='BLAS GotoBLAS BLIS blocking tiling packing microkernel AVX AVX-512 FMA cache blocking',
                kernels='GPU register tiling blocktiling thread coarsening double buffering vectorized loads SGEMM cuBLAS tensor cores',
                training='backpropagation backprop gradient descent SGD neural network autograd loss', bits='quantization quantize low precision mixed precision bfloat16 bf16 fp16 fp8 int8 rounding subnormal',
                distributed='allreduce all-reduce reduce-scatter ring data parallel tensor parallel sharding NCCL gloo MPI DDP torchrun',
                ladder='benchmark roofline performance comparison GFLOPS speedup')


def words(out):
    "Everything in pages and scripts that may be the name of a class"
    texts = [p.read_text(encoding='utf-8') for kind in ('*.html', '*.js') for p in out.rglob(kind) if p.name=='page.js' or 'python' not in p.relative_to(out).parts]
    return set(re.findall(r'[\w-]+', ' '.join(texts)))


def rules(css):
    "Pairs of what stands before a brace and what stands between it and its partner"
    at = 0
    while (start := css.find('{', at)) >= 0:
        depth, end = 1, start+1
        while depth:
            m = re.compile('[{}]').search(css, end)
            depth, end = depth + (1 if m[0] == '{' else -1), m.end()
        yield css[at:start], css[start+1:end-1]
        at = end


def used(css, known):
    "The rules whose selectors name only classes that are known"
    kept = []
    for head, body in rules(re.sub(r'/\*.*?\*/', '', css, flags=re.S)):
        while ';' in head and head.lstrip().startswith(('@charset', '@import')): kept.append(head[:head.index(';')+1]); head = head[head.index(';')+1:]
        if head.lstrip().startswith(('@media', '@supports')):
            if inner := used(body, known): kept.append(f'{head}{{{inner}}}')
        elif head.lstrip().startswith('@'): kept.append(f'{head}{{{body}}}')
        else:
            parts = re.split(r',(?![^()]*\))', head)
            parts = [p for p in parts if all(c in known for c in re.findall(r'\.(-?[A-Za-z_][\w-]*)', re.sub(r':not\([^)]*\)', '', p)))]
            if parts: kept.append(f"{','.join(parts)}{{{body}}}")
    return ''.join(kept)


def styles(out, known):
    "Style sheets of Quarto and Bootstrap without the rules for what is on no page"
    for p in (out/'site_libs'/'bootstrap').glob('bootstrap*.css'): p.write_text(used(p.read_text(encoding='utf-8'), known), encoding='utf-8')


def icons(out):
    "The font of icons, with the few that a page or a style sheet asks for"
    from fontTools import subset
    folder = out/'site_libs'/'bootstrap'
    text = ''.join(p.read_text(encoding='utf-8') for p in folder.glob('*.css'))
    asked = {int(c, 16) for c in re.findall(r'content: *"\\([fF][0-9a-fA-F]{3})"', text)} | {ord(c) for c in re.findall('[\uf000-\uf8ff]', text)}
    font = folder/'bootstrap-icons.woff'
    subset.main([str(font), f"--unicodes={','.join(f'{c:X}' for c in sorted(asked))}", '--flavor=woff', f'--output-file={font}'])


def search(out):
    "Chapters and the glossary before the backstage and the exercises, and those before the reference; and the field's words beside ours, found but not shown"
    path = out/'search.json'
    docs = json.loads(path.read_text(encoding='utf-8'))
    def tier(d): return (d['href'].startswith('reference/') and 2 or ('/' in d['href'].partition('#')[0] or d['href'].startswith('exercises.')) and 1 or 0, d['section'] != '')
    docs.sort(key=tier)
    for d in docs:
        name, d['text'] = d['href'].partition('.')[0], d['text'].removeprefix('Skip to the content').lstrip()
        if d['section'] == '' and name in SYNONYMS: d['also'] = SYNONYMS[name]
    path.write_text(json.dumps(docs, ensure_ascii=False), encoding='utf-8')
    ends = [sum(tier(d)[0] <= t for d in docs) for t in (0, 1)]
    script, old = out/'site_libs'/'quarto-search'/'quarto-search.js', 'ignoreLocation: true,'
    order = f'sortFn: (a, b) => {{ const tier = i => (i >= {ends[0]}) + (i >= {ends[1]}); return tier(a.idx) - tier(b.idx) || a.score - b.score || a.idx - b.idx; }},'
    text = re.sub(r' *sortFn: .*|, \{ name: "also".*?\}(?=,)', '', script.read_text(encoding='utf-8'))
    text = text.replace('{ name: "text", weight: 10 },', '{ name: "text", weight: 10 }, { name: "also", weight: 10 },', 1)
    text = text.replace('kFuseMaxWait = 125', 'kFuseMaxWait = Infinity')  # a second index, of what was found so far, would forget the order
    script.write_text(text.replace(old, f'{old} {order}', 1), encoding='utf-8')


def wraps(m):
    "Output whose lines may go on below: words, and not columns, or lines that would not fit anyway"
    text = html.unescape(re.sub('<[^>]*>', '', m[2]))
    columns = '─' in text or re.search(r'\S {2,}\S|^(tensor|array)\(|^ *\[*[-\d. ]+,', text, flags=re.M)
    return m[0] if '─' in text or columns and max(map(len, text.splitlines()), default=0) < 88 else f'{m[1]} class="wraps">{m[2]}'


def heads(out, site):
    "Each page says where it lives, to search engines and to where it is shared; and the page for what is missing offers nothing to edit"
    for p in out.rglob('*.html'):
        old = p.read_text(encoding='utf-8')
        text = re.sub(r'<script src="https://cdn\.jsdelivr\.net/npm/(?:requirejs|jquery)@[^>]*></script>|<script[^>]*>define\(.jquery.[^<]*</script>', '', old)  # for widgets of Jupyter's, which are on no page
        text = re.sub(r'class="nav-link active" href="([^"]+)" aria-current="page"',  # to Quarto, all pages of a sidebar are the first of its links in the bar
                      lambda m: m[0] if (p.parent/m[1]).resolve() == p.resolve() else f'class="nav-link" href="{m[1]}"', text)
        text = re.sub(r'(<div class="cell-output[^>]*>\s*<pre)>(<code>.*?</code></pre>)', wraps, text, flags=re.S)
        text = re.sub(r'(<body[^>]*>)(.+?)(<a class="skip".*?</a>)', r'\1\3\2', text, count=1, flags=re.S)  # the first stop of the Tab key, before the bar
        if text != old: p.write_text(text, encoding='utf-8')
        if p.name == '404.html': p.write_text(re.sub(r'<div class="toc-actions.*?</div>', '', text, flags=re.S), encoding='utf-8')
        elif 'rel="canonical"' not in text and '<main' in text:
            url = f"{site}/{p.relative_to(out)}".removesuffix('index.html')
            p.write_text(text.replace('</head>', f'<link rel="canonical" href="{url}">\n<meta property="og:url" content="{url}">\n</head>', 1), encoding='utf-8')


def lighter(png):
    "The same pixels in fewer bytes: greys as greys, few colours by number"
    from PIL import Image
    image, tries = Image.open(io.BytesIO(png)).convert('RGBA'), [png]
    rgb = image.convert('RGB')
    for other in ([] if image.getextrema()[3][0] < 255 else [rgb.convert('L'), rgb.quantize(256, method=Image.Quantize.MEDIANCUT)]):
        if other.convert('RGB').tobytes() != rgb.tobytes(): continue
        other.save(file := io.BytesIO(), 'png', optimize=True)
        tries.append(file.getvalue())
    return min(tries, key=len)


def inks(out):
    "Greys of pictures: one that can be read on white and one that can be read on black, as the page has it; and no byte more than is seen"
    from groundup.plots import ink
    rule = lambda colour: ''.join(f'[style*="{what}: {ink}"]{{{what}:{colour} !important}}' for what in ('fill', 'stroke'))
    style = f'<style>{rule("#62666d")}@media (prefers-color-scheme: dark){{{rule("#a3a7ae")}}}</style>'
    for p in out.rglob('figure-html/*.svg'):
        text = p.read_text(encoding='utf-8')
        if '#62666d' in text: continue
        text = re.sub(r'( d="|points="| [xy]=")([^"]+)', lambda m: m[1] + re.sub(r'(\.\d\d)\d+', r'\1', m[2]), text)  # a hundredth of a point is enough
        text = re.sub(r'(data:image/png;base64,)([^"]+)', lambda m: m[1] + base64.b64encode(lighter(base64.b64decode(m[2]))).decode(), text)
        text = re.sub(r'<metadata>.*?</metadata>\s*', '', text, flags=re.S)
        p.write_text(re.sub(r'(<svg[^>]*>)', lambda m: m[1] + style, text, count=1), encoding='utf-8')


def frames(out):
    "Pictures have their size before they are there, and are fetched when a reader comes near"
    for p in out.rglob('*.html'):
        def mend(m):
            file = p.parent/m[1]
            if 'loading=' in m[0] or not file.exists() or not (box := re.search(r'<svg[^>]*\bwidth="([\d.]+)(pt)?" height="([\d.]+)', file.read_text(encoding='utf-8'))): return m[0]
            wide, high = (f'{float(v)*(4/3 if box[2] else 1):.0f}' for v in (box[1], box[3]))
            return f'{m[0][:-1].rstrip("/ ")} width="{wide}" height="{high}" loading="lazy">'
        old = p.read_text(encoding='utf-8')
        text = re.sub(r'<img[^>]*\bsrc="([^":]+\.svg)"[^>]*>', mend, old)
        if text != old: p.write_text(text, encoding='utf-8')


MOVED = {'cli.html': 'backstage/cli.html', 'practice.html': 'backstage/practice.html'}  # addresses that people may have kept


def moved(out):
    "A page at each old address leads to the new one"
    for old, new in MOVED.items():
        (out/old).write_text(f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Moved</title><link rel="icon" href="data:,"><meta http-equiv="refresh" content="0; url={new}">'
                             f'<link rel="canonical" href="{new}"><main><h1>Moved</h1><p>This page is <a href="{new}">here</a> now.</p></main></html>\n')


def slim(out, site):
    "All of it"
    inks(out)
    frames(out)
    moved(out)
    heads(out, site)
    styles(out, words(out))
    icons(out)
    search(out)
