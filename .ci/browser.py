#!/usr/bin/env python3
"""Look at the built site as a reader would, in Chromium: .ci/browser.py [--all | --firefox] [FOLDER] (default: _docs)

On every page: no error in the console, no failed request, none to another host, no more bytes than a page may weigh, nothing wider than a phone,
the words in pictures large enough there, no serious violation that axe-core finds, in both modes; all links and anchors within the site resolve. On the home page: the search, the switch of the
mode, the page without JavaScript, and the way to four things in three clicks. Then every `.ci/browser_*.py` has its turn: its
`check(driver, url)` returns a list of what is wrong.

It needs Chromium or Chrome, Python's selenium, and axe-core from npm (`npm install axe-core`; AXE names its axe.min.js, where it is elsewhere).
What is missing is said, and with --all it is a failure. With --firefox, only Python on the pages is tried, in Firefox (GECKODRIVER names its driver).
"""
import functools, gzip, http.server, importlib, json, os, re, shutil, sys, threading, time
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

root = Path(__file__).resolve().parent.parent
HOST, PREFIX, PHONE, PAPER = 'https://groundup-book.github.io/groundup/', '/groundup', 360, 700  # pixels: a narrow phone, and A4 within its margins
FIRST, LATER, LETTERS, PREVIEW = 250, 60, 9, 5.3  # kB of a page on the first visit, and of one after it; pixels of the smallest words in a picture, and of the smallest exponent in one that comes again further down
COLOURS, TARGETS = ['color-contrast', 'link-in-text-block'], {'target-size': {'enabled': True}}  # the rules that a second mode may break; 24 pixels, or as much space around

problems, done = [], []


def told(name, wrong):
    "Report one check: `wrong` lists what is wrong"
    print(f"{'ok    ' if not wrong else 'FAILED'}  {name}" + ''.join(f'\n        {w}' for w in wrong), flush=True)
    problems.extend(wrong)
    done.append(name)


class Page(HTMLParser):
    "The links and the anchors of one page"
    def __init__(self, path):
        super().__init__()
        self.links, self.ids, self.texts = [], set(), defaultdict(str)
        self.feed(path.read_text(encoding='utf-8'))
    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if a.get('id'): self.ids.add(a['id'])
        for k in ('href', 'src'):
            if a.get(k) and tag != 'base': self.links.append((tag, a[k], a.get('rel', '')))


def site_pages(folder): return {str(p.relative_to(folder)): Page(p) for p in sorted(folder.rglob('*.html')) if 'site_libs' not in p.parts}


def inside(page, href):
    "Path within the site and anchor of a link, or None if it leads out of the site"
    if href.startswith(('data:', 'mailto:', 'javascript:')): return None
    if href.startswith(HOST): href = href[len(HOST)-1:]
    full = urlsplit(urljoin(f'http://site/{page}', href))
    if full.netloc != 'site': return None
    path = unquote(full.path).lstrip('/')
    if path.startswith('groundup/') and page == '404.html': path = path[len('groundup/'):]  # the page for what is missing is served from everywhere
    return path + ('index.html' if path == '' or path.endswith('/') else ''), unquote(full.fragment)


def check_links(folder, pages):
    wrong = []
    for name, page in pages.items():
        for tag, href, rel in page.links:
            if source := re.match(r'https://(?:github\.com|github\.dev|colab\.research\.google\.com/github)/groundup-book/groundup/(?:blob|edit)/main/([^#?]+)', href):
                if not (root/source[1]).exists(): wrong.append(f'{name}: {href}: there is no such file in the repository')
            elif 'groundup-book' in href and ('colab.research' in href or '/blob/' in href): wrong.append(f'{name}: {href} names no file of the repository')
            if not (at := inside(name, href)): continue
            path, anchor = at
            if not (folder/path).exists(): wrong.append(f'{name}: {href} leads to nothing')
            elif anchor and path in pages and anchor not in pages[path].ids: wrong.append(f'{name}: {href}: there is no such heading')
    told('links and anchors within the site', sorted(set(wrong)))


def check_clicks(pages):
    "How many clicks from the home page to what a first reader looks for?"
    seen, front, steps = {'index.html': 0}, ['index.html'], defaultdict(lambda: 99)
    for click in range(1, 4):
        fresh = []
        for name in front:
            for tag, href, _ in pages[name].links:
                if tag != 'a': continue
                at = inside(name, href)
                goal = '#'.join(filter(None, at)) if at else href
                steps[goal] = min(steps[goal], click)
                if at and at[0] in pages and at[0] not in seen:
                    seen[at[0]] = click
                    fresh.append(at[0])
        front = fresh
    goals = {'how to run it': 'index.html#run-it', 'the chapter on strides': 'broadcasting.html', 'the reference of einsum': 'reference/einsum.html#einsum',
             'how to report a mistake': 'https://github.com/groundup-book/groundup/issues/new/choose'}
    told('home page, three clicks: ' + ', '.join(f'{k} ({steps[v]})' for k, v in goals.items()), [f'{k}: not found' for k, v in goals.items() if steps[v] > 3])


class Quiet(http.server.SimpleHTTPRequestHandler):
    "Files as GitHub Pages serves them: text compressed, and nothing said in the terminal"
    def log_message(self, *args): pass
    def end_headers(self):
        self.send_header('Cache-Control', 'max-age=600')
        super().end_headers()
    def translate_path(self, path): return super().translate_path(path.removeprefix(PREFIX) if path.startswith(PREFIX) else '/nowhere')
    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.is_dir(): path = path/'index.html'
        if not path.exists() or path.suffix not in ('.html', '.css', '.js', '.json', '.svg', '.txt', '.md'): return super().do_GET()
        body = gzip.compress(path.read_bytes())
        self.send_response(200)
        for k, v in (('Content-Type', self.guess_type(str(path))), ('Content-Encoding', 'gzip'), ('Content-Length', len(body))): self.send_header(k, v)
        self.end_headers()
        self.wfile.write(body)


def serve(folder):
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Quiet, directory=folder))
    server.handle_error = lambda *args: None  # a browser that leaves a page hangs up in the middle
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f'http://127.0.0.1:{server.server_port}{PREFIX}/'


def chrome(**prefs):
    from selenium import webdriver
    options = webdriver.ChromeOptions()
    for flag in ('headless=new', 'no-sandbox', 'disable-gpu', 'disable-background-networking', 'disable-sync', 'disable-component-update', 'no-first-run'):
        options.add_argument(f'--{flag}')
    if found := next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None): options.binary_location = found
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
    if prefs: options.add_experimental_option('prefs', prefs)
    driver_path = shutil.which('chromedriver')
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_path) if driver_path else None)


def firefox():
    from selenium import webdriver
    options = webdriver.FirefoxOptions()
    options.add_argument('-headless')
    if found := shutil.which('firefox-esr') or shutil.which('firefox'): options.binary_location = found
    return webdriver.Firefox(options=options, service=webdriver.FirefoxService(os.environ.get('GECKODRIVER') or shutil.which('geckodriver')))


def window(driver, width, height=900):
    driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', dict(width=width, height=height, deviceScaleFactor=1, mobile=width < 600))


def prefer(driver, mode): driver.execute_cdp_cmd('Emulation.setEmulatedMedia', dict(features=[dict(name='prefers-color-scheme', value=mode)]))


def wait(driver, script, seconds=8):
    "What `script` returns as soon as that is true, or its last answer"
    end = time.time() + seconds
    while not (got := driver.execute_script(script)) and time.time() < end: time.sleep(.05)
    return got


def is_dark(driver): return driver.execute_script("return document.body.classList.contains('quarto-dark')")


def traffic(driver, url):
    "Bytes transferred since the last call, and requests that failed or went elsewhere"
    size, wrong, asked = 0, [], {}
    for entry in driver.get_log('performance'):
        m = json.loads(entry['message'])['message']
        p = m['params']
        if m['method'] == 'Network.requestWillBeSent':
            asked[p['requestId']] = p['request']['url']
            if not p['request']['url'].startswith((url, 'data:', 'blob:')): wrong.append(f"asks another host: {p['request']['url'][:120]}")
        elif m['method'] == 'Network.responseReceived' and p['response']['status'] >= 400: wrong.append(f"{p['response']['status']}: {p['response']['url']}")
        elif m['method'] == 'Network.loadingFailed' and not p.get('canceled'): wrong.append(f"{p.get('errorText')}: {asked.get(p['requestId'])}")
        elif m['method'] == 'Network.loadingFinished': size += p['encodedDataLength']
    return size, wrong


def small_words(driver, folder, name):
    "Pictures of the page that is open whose smallest words are smaller than LETTERS, as the page shows them"
    found = []
    for src, width, least in driver.execute_script("return [...document.images].filter(i => i.src.endsWith('.svg') && i.width).map(i => [i.getAttribute('src'), i.width, arguments[+!!i.closest('.headline')]])", LETTERS, PREVIEW):
        text = (folder/inside(name, src)[0]).read_text(encoding='utf-8')
        box, sizes = re.search(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+)', text), re.findall(r'(?:font: (?:[a-z]+ )*|font-size(?:="|: ))([\d.]+)', text)
        if sizes and (px := min(map(float, sizes))*width/float(box[1])) < least: found.append(f'{name}: {src}: {px:.1f} px')
    return found


def chapters_of(pages): return [f"{p.stem[3:]}.html" for p in sorted((root/'nbs').glob('[0-9]*.ipynb')) if f"{p.stem[3:]}.html" in pages]


def check_first(driver, url, pages):
    "What a chapter is heading for is on its first screen, on a laptop and on a phone"
    wrong = []
    for size in ((1280, 900), (390, 844)):
        window(driver, *size)
        for name in chapters_of(pages):
            driver.get(url + name)
            seen = wait(driver, "const e = document.querySelector('.headline :is(img, table)'), r = e?.getBoundingClientRect(); return r?.height && (innerHeight - r.top)/r.height", 2)
            if not seen or seen < .95: wrong.append(f'{name} at {size}: {100*(seen or 0):.0f} % of it')
    told("a chapter's first screen shows what it is heading for", wrong)


def check_weight(driver, url, pages, first):
    "Bytes of each page on a first visit, in `first`, and of each chapter after another page"
    chapters = chapters_of(pages)
    driver.execute_cdp_cmd('Network.clearBrowserCache', {})
    window(driver, 1280)
    after = {}
    for name in ('exercises.html', *chapters):
        driver.get(url + name)
        wait(driver, 'return document.readyState == "complete"')
        time.sleep(.2)
        after[name] = traffic(driver, url)[0]
    for title, sizes, most in (('first', first, FIRST), ('next', {n: after[n] for n in chapters}, LATER)):
        heavy = max(sizes, key=sizes.get)
        told(f'at most {most} kB transferred on a {title} visit (the most: {heavy}, {sizes[heavy]/1e3:.0f} kB)', [f'{n}: {w/1e3:.0f} kB' for n, w in sizes.items() if w > 1000*most])


BEYOND = """return [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && e.checkVisibility() && !e.closest('.play-unseen, details:not([open]) > :not(summary)'))
    .slice(0, 2).map(e => `${e.outerHTML.slice(0, 90)}: ${Math.round(e.getBoundingClientRect().right)} px on paper of ${innerWidth}`)"""


def check_axe(driver, axe, options, violations, where):
    "Add to `violations` what axe-core finds on the page that is open"
    driver.execute_script(axe)
    for v in driver.execute_async_script("const done = arguments[1]; axe.run(document, {resultTypes: ['violations'], ...arguments[0]}).then(r => done(r.violations), e => done([{id: String(e), impact: 'critical', nodes: []}]))", options):
        if v['impact'] in ('serious', 'critical'): violations[v['impact'], v['id']].append(f"{where}, {len(v['nodes'])} times), as {v['nodes'][0]['html'][:150] if v['nodes'] else ''}")


def check_pages(driver, url, folder, pages, axe):
    "Every page: console, requests, weight, a phone, axe in both modes"
    driver.execute_cdp_cmd('Network.enable', {})
    noise, requests, wide, small, lost, violations, weight = [], [], [], [], [], defaultdict(list), {}
    for name in pages:
        for mode in ('light', 'dark'):
            window(driver, 1280)
            prefer(driver, mode)
            if mode == 'light':
                driver.get('about:blank')
                driver.execute_cdp_cmd('Network.clearBrowserCache', {})
                driver.get_log('performance')
            driver.get(url + name)
            wait(driver, 'return document.readyState == "complete"')
            if is_dark(driver) != (mode == 'dark'): noise.append(f'{name}: does not follow a system in {mode} mode')
            if mode == 'light':
                time.sleep(.2)
                size, wrong = traffic(driver, url)
                weight[name] = size
                requests += [f'{name}: {w}' for w in wrong]
                noise += [f"{name}: {e['message'][:200]}" for e in driver.get_log('browser') if e['level'] == 'SEVERE']
            if axe: check_axe(driver, axe, {'runOnly': COLOURS} if mode == 'dark' else {'rules': TARGETS}, violations, f'{name} ({mode}')
        window(driver, PHONE)
        time.sleep(.1)
        width = driver.execute_script('return document.documentElement.scrollWidth')
        if width > PHONE:
            who = driver.execute_script("return [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > %d && !e.closest('pre, table, .cell-output-display')).slice(0,3).map(e => e.outerHTML.slice(0,90))" % (PHONE+1))
            wide.append(f'{name}: {width} px wide on a phone of {PHONE}: {who}')
        small += small_words(driver, folder, name)
        if axe: check_axe(driver, axe, {'rules': TARGETS | {'color-contrast': {'enabled': False}}}, violations, f'{name} (phone')
        window(driver, PAPER)
        driver.execute_cdp_cmd('Emulation.setEmulatedMedia', dict(media='print'))
        lost += [f'{name}: {e}' for e in driver.execute_script(BEYOND)]
        driver.execute_cdp_cmd('Emulation.setEmulatedMedia', dict(media=''))
    told(f'{len(pages)} pages: nothing in the console, and the mode is the system\'s', noise)
    told('every request is answered, and none goes to another host', requests)
    check_weight(driver, url, pages, weight)
    told(f'nothing wider than {PHONE} px', wide)
    told(f'there, the words in pictures are at least {LETTERS} px high', small)
    told('on paper, no end of a line is lost', lost)
    if axe: told('axe-core: nothing serious or critical, in both modes, on a wide page and on a phone; targets of 24 px', [f'{impact}, {rule}: {len(at)} pages; ' + '; '.join(at[:3]) for (impact, rule), at in violations.items()])


def check_search(driver, url):
    "The field's words find their chapter, and a chapter comes before the reference"
    wrong = []
    for query, first in (('einsum', 'einsum.html'), ('coalescing', 'cuda.html'), ('tiling', ('cuda.html', 'gemm.html', 'kernels.html')), ('softmax', 'training.html'), ('GPU', '')):
        window(driver, 1280)
        driver.get(url)
        wait(driver, "return document.querySelector('#quarto-search button')")
        driver.execute_script("document.querySelector('#quarto-search button').click()")
        wait(driver, "return document.querySelector('input.aa-Input')")
        driver.switch_to.active_element.send_keys(query)
        wait(driver, "return document.querySelector('.aa-Panel a[href]')")
        time.sleep(.3)
        hits = [h.removeprefix(url).removeprefix('./') for h in driver.execute_script("return [...document.querySelectorAll('.aa-Panel a')].map(a => a.getAttribute('href')).filter(Boolean)")]
        if not hits or not hits[0].startswith(first) or hits[0].startswith(('reference/', 'backstage/', 'exercises.')): wrong.append(f'{query!r} finds {hits[:3]} first')
    told('the search finds what the field calls it, chapters first', wrong)


def check_mode(driver, url):
    "The switch turns the mode, with the keyboard too, and the choice outlives the page"
    wrong = []
    prefer(driver, 'light')
    driver.get(url)
    driver.execute_script('localStorage.clear()')
    driver.get(url)
    from selenium.webdriver.common.keys import Keys
    switch = next(e for e in driver.find_elements('css selector', '.quarto-color-scheme-toggle') if e.is_displayed())
    if is_dark(driver): wrong.append('starts dark on a light system')
    switch.send_keys(Keys.ENTER)
    if not wait(driver, "return document.body.classList.contains('quarto-dark')", 2): wrong.append('the switch, by Enter, does not turn the page dark')
    if not wait(driver, "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0,3).every(c => c < 80)"): wrong.append('the paper stays light')
    driver.get(url + 'einsum.html')
    if not is_dark(driver): wrong.append('the choice is forgotten on the next page')
    driver.execute_script('localStorage.clear()')
    told('the switch turns the mode, and the choice lasts', wrong)


def check_keyboard(driver, url):
    "The first stop skips to the content, and wherever the Tab key leads, a ring is seen, within the window"
    from selenium.webdriver.common.keys import Keys
    wrong, press = [], lambda key: driver.switch_to.active_element.send_keys(key)
    for width in (1280, 390):
        window(driver, width)
        driver.get(url + 'loops.html')
        press(Keys.TAB)
        if not driver.execute_script("const e = document.activeElement, r = e.getBoundingClientRect(); return e.className === 'skip' && r.top >= 0 && r.height >= 24"): wrong.append(f'{width}: the first stop is no link to the content, or it is not seen')
        press(Keys.ENTER)
        for n in range(60):
            press(Keys.TAB)
            at, words, ring, inside = driver.execute_script("const e = document.activeElement, r = e.getBoundingClientRect(), s = getComputedStyle(e); "
                "return [!!e.closest('main'), e.outerHTML.slice(0, 80), e.matches('.cm-content') || parseFloat(s.outlineWidth) >= 2 && s.outlineStyle !== 'none', r.bottom > 60 && r.top < innerHeight]")
            if n == 0 and not at: wrong.append(f'{width}: after the skip, Tab leads to {words}')
            if not ring: wrong.append(f'{width}: no ring around {words}')
            if not inside: wrong.append(f'{width}: out of sight: {words}')
    told('the skip link skips, and the focus is seen at 60 stops, on a wide page and on a phone', wrong)


def check_plain(url):
    "The home page with JavaScript off"
    driver = chrome(**{'profile.managed_default_content_settings.javascript': 2})
    try:
        driver.get(url)
        shown = [e.text for css in ('h1', '.hero-words', '.cards') for e in driver.find_elements('css selector', css) if e.is_displayed()]
        text = '\n'.join(shown)
        want = ['groundup', 'Start reading', 'Broadcasting']
        picture = any(e.is_displayed() and e.size['height'] > 100 for e in driver.find_elements('css selector', '.hero img, .hero .race'))
        told('the home page without JavaScript', [f'{w!r} cannot be read' for w in want if w not in text] + ([] if picture else ['the picture of the ladder is not shown']))
    finally: driver.quit()


def axe_source():
    "axe-core's program, or None"
    places = [Path(p) for p in (os.environ.get('AXE'), root/'node_modules'/'axe-core'/'axe.min.js') if p]
    return next((p.read_text(encoding='utf-8') for p in places if p.exists()), None)


def missing():
    "What this script needs and does not find"
    lacks = []
    try: import selenium
    except ImportError: lacks.append('selenium (pip install selenium)')
    if not any(map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))): lacks.append('Chromium or Chrome')
    return lacks


def main():
    folder = Path(next((a for a in sys.argv[1:] if a[0] != '-'), root/'_docs')).resolve()
    if not (folder/'index.html').exists(): sys.exit(f'there is no site in {folder}: build it first (CONTRIBUTING.md says how)')
    if '--firefox' in sys.argv:
        driver = firefox()
        try: told('Python on the pages, in Firefox', importlib.import_module('browser_python').anywhere(driver, serve(folder)))
        finally: driver.quit()
        return 1 if problems else 0
    start, pages = time.time(), site_pages(folder)
    check_links(folder, pages)
    check_clicks(pages)
    axe = axe_source()
    lacks = missing() + ([] if axe else ['axe-core (npm install axe-core)'])
    if lacks: told('what the checks in a browser need', [f'missing: {l}' for l in lacks] if '--all' in sys.argv else [])
    for l in lacks: print(f'        missing, so its checks are left out: {l}')
    if not missing():
        url, driver = serve(folder), chrome()
        driver.set_script_timeout(60)
        try:
            check_pages(driver, url, folder, pages, axe)
            check_first(driver, url, pages)
            check_search(driver, url)
            check_mode(driver, url)
            check_keyboard(driver, url)
            for script in sorted((root/'.ci').glob('browser_*.py')): told(f'{script.name}', importlib.import_module(script.stem).check(driver, url))
        finally: driver.quit()
        check_plain(url)
    print(f'{len(done)} checks of the site, {len(problems)} problems, {time.time()-start:.0f} s')
    return 1 if problems else 0


if __name__ == '__main__': sys.exit(main())
