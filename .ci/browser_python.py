"""Python in the pages, as a reader uses it: answers wrong, right and endless, slips of the pen, the keyboard alone, a phone, dark, no network, no JavaScript.

`check(driver, url)` is its turn in `.ci/browser.py`. Where the site was built without npm, there is nothing of this on the pages, and that is said.
"""
import time, urllib.request
from urllib.error import HTTPError

from browser import chrome, prefer, traffic, wait, window
from selenium.webdriver.common.keys import Keys

RIGHT = dict([('loops-1', 'def dot(u, v): return sum(x*y for x,y in zip(u, v))'),
              ('cuda-1', 'def add(a, b, c):\ni = cuda.grid(1)\nif i < len(c): c[i] = a[i] + b[i]')])  # the editor indents
FIRST, LATER = 8, 3  # seconds to an answer, on a machine with nothing else to do


class Try:
    "One exercise or kernel of a page, used by its keyboard"
    def __init__(self, driver, url, css):
        self.d, self.css = driver, css
        driver.get(url)
        self.js('root.scrollIntoView()')
        assert wait(driver, f"return document.querySelector({css + ' .cm-content'!r})", 30), f'{url}: no editor in {css}'
    def js(self, code): return self.d.execute_script(f'const root = document.querySelector({self.css!r}), one = css => root.querySelector(css); {code}')
    def write(self, code):
        box = self.d.find_element('css selector', self.css + ' .cm-content')
        self.js("one('.cm-content').focus()")
        box.send_keys(Keys.CONTROL + 'a' + Keys.NULL)
        box.send_keys(Keys.DELETE, code.replace('\n', Keys.ENTER))
    def press(self, name): self.js(f"[...root.querySelectorAll('button')].find(b => b.textContent === {name!r}).click()")
    def said(self, seconds=60):
        "What came of it, and how long that took"
        start = time.time()
        text = wait(self.d, f"const s = document.querySelector({self.css + ' .run-said'!r}); return /run-(good|bad)/.test(s.className) && (s.textContent || 'nothing said')", seconds)
        return text or '', time.time() - start
    def run(self, code=None, seconds=60):
        if code is not None: self.write(code)
        self.press('Run')
        return self.said(seconds)[0]


def use(driver, url, is_):
    "Everything that a reader does with one exercise"
    t = Try(driver, url + 'loops.html', '#loops-1')
    t.js('localStorage.clear()')
    blank = t.js("return one('.cm-content').innerText")
    start = time.time()
    is_('still blank' in t.run(), 'a blank answer is said to be blank')
    print(f'        first Run: {time.time()-start:.1f} s, goal {FIRST}')
    start = time.time()
    said = t.run('def dot(u, v): return sum(u)')
    is_('✗ loops-1: case 1' in said and 'expected' in said, f'a wrong answer is compared with the right one: {said[:80]!r}')
    print(f'        the next Run: {time.time()-start:.1f} s, goal {LATER}')
    said = t.run('def dot(u, v):\nreturn u +* v')
    is_('line 2: SyntaxError' in said and t.js("return one('.run-wrong').innerText").strip() == 'return u +* v', f'a syntax error points at its line: {said[:80]!r}')
    said = t.run('def dot(u, v):\nx = 1\nreturn u.nothing')
    is_('line 3 of your answer' in said and 'groundup' not in said and t.js("return one('.run-wrong').innerText").strip() == 'return u.nothing', f'an error points at the line of the reader: {said!r}')
    is_('no function `dot`' in t.run('x = 1'), 'an answer of another name')
    t.write('def dot(u, v):\nwhile True: pass')
    t.press('Run')
    wait(driver, f"return document.querySelector('#loops-1 .run-said').textContent === 'Running …'", 20)
    t.press('Stop')
    is_('Stopped' in t.said(2)[0], 'an endless loop is stopped, and the page goes on')
    is_('✓ loops-1' in t.run(RIGHT['loops-1']), 'then a right answer')
    is_(t.js("return one('.run-tick').innerText").strip() == '✓ solved' and t.js("return one('.run a').getAttribute('href')") == '#loops-2', 'which gets a tick, and the way to the next')
    t = Try(driver, url + 'loops.html', '#loops-1')
    is_(t.js("return one('.cm-content').innerText") == RIGHT['loops-1'] and t.js("return one('.run-tick').checkVisibility()"), 'a new visit finds the answer and the tick')
    start = time.time()
    t.run()
    print(f'        Run on a later visit: {time.time()-start:.1f} s, goal {LATER}')
    driver.get(url + 'exercises.html')
    is_(wait(driver, "return document.querySelector('#loops-1 .run-tick')?.checkVisibility()"), 'the list of exercises has the tick')
    t = Try(driver, url + 'loops.html', '#loops-1')
    t.press('Reset')
    is_(t.js("return one('.cm-content').innerText").strip() == blank.strip(), 'Reset brings the blank back')
    driver.switch_to.active_element.send_keys(Keys.CONTROL + 'z' + Keys.NULL)
    is_(t.js("return one('.cm-content').innerText") == RIGHT['loops-1'], 'and Ctrl-Z the answer')
    top = t.js("const fold = one('details'); fold.open = true; return [one('.cm-content').getBoundingClientRect().bottom <= fold.getBoundingClientRect().top, fold.textContent.trim().slice(0, 6)]")
    is_(top == [True, 'Hint 1'], f'hints are below the editor: {top}')
    is_('no numpy on this page' in t.run('import numpy'), 'what is not on the page is said')


def keys(driver, url, is_):
    "The keyboard alone, from the editor to Run and back"
    t = Try(driver, url + 'loops.html', '#loops-1')
    t.write('def dot(u, v):\n' + RIGHT['loops-1'].partition(': ')[2])
    active = lambda: driver.execute_script("return document.activeElement.textContent")
    driver.switch_to.active_element.send_keys(Keys.TAB)
    is_('dot' in active(), 'Tab indents, and stays')
    driver.switch_to.active_element.send_keys(Keys.SHIFT + Keys.TAB + Keys.NULL)
    driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    driver.switch_to.active_element.send_keys(Keys.TAB)
    is_(active() == 'Run', f'Escape, then Tab leads to Run (it led to {active()[:30]!r})')
    driver.switch_to.active_element.send_keys(Keys.ENTER)
    is_(active() == 'Run', f'and while it runs, the focus stays there (it is at {active()[:30]!r})')
    is_('✓' in t.said()[0], 'Enter runs')
    is_(active() == 'Run', f'and it stays afterwards (it is at {active()[:30]!r})')
    driver.execute_script('document.activeElement.blur()')
    driver.find_element('css selector', 'body').send_keys('sf')
    is_(not driver.execute_script("return document.querySelector('.aa-Panel, .aa-DetachedOverlay')"), 'letters typed to the page open no search')


def kernels(driver, url, is_):
    "A kernel as an exercise, and one under the X-ray with its replay"
    driver.get(url + 'cuda.html')
    if driver.execute_script("return document.querySelector('#cuda-1 .exercise-blank')"):
        is_('✓ cuda-1' in Try(driver, url + 'cuda.html', '#cuda-1').run('from numba import cuda\n' + RIGHT['cuda-1']), 'cuda-1 is solved on the page')
    for page, choices in (('cuda.html', ('tile_kernel', 'one_barrier')), ('kernels.html', ('square_kernel',))):
        t = Try(driver, url + page, '[data-run]')
        for name in choices:
            t.js(f"const s = one('select'); s.value = {name!r}; s.dispatchEvent(new Event('change'))")
            time.sleep(.3)
            said = t.run()
            words = t.js("return one('ul')?.innerText ?? ''")
            is_(('race' if name == 'one_barrier' else 'no faults') in words, f'{name} under the X-ray: {words[:80] or said[:200]!r}')
        slider = driver.find_element('css selector', '.run-replay input[type=range]')
        slider.send_keys(*[Keys.ARROW_RIGHT]*5)
        is_(slider.get_attribute('aria-valuetext').startswith('Step 6 of') and t.js("return one('.run-replay .run-now') && one('.run-replay svg')") is not None, f'{page}: the replay goes on by the arrow keys')
    t = Try(driver, url + 'cuda.html', '[data-run]')
    t.run()  # Python is here, then
    for name,value in dict(block_x=16, block_y=16, grid_x=2, grid_y=2, n=32, k=16, m=32).items():
        t.js(f"const f = [...root.querySelectorAll('label')].find(l => l.textContent === {name.replace('_', ' ')!r}).querySelector('input'); f.value = {value}")
    start = time.time()
    is_('no faults' in (t.run(), t.js("return one('ul')?.innerText ?? ''"))[1], 'a kernel of 1,024 threads with shared memory')
    print(f'        1,024 threads, each of them two tiles and 32 reads from shared memory: {time.time()-start:.1f} s, goal {LATER}')
    t = Try(driver, url + 'loops.html', '[data-run]')
    is_('39,200 steps' in t.run() and 'in Python on this page' in t.js('return root.innerText'), 'three loops and a clock')


def phone(driver, url, is_):
    for mode in ('light', 'dark'):
        window(driver, 390, 844)
        prefer(driver, mode)
        t = Try(driver, url + 'loops.html', '#loops-1')
        wide = driver.execute_script('return document.documentElement.scrollWidth')
        is_(wide <= 390, f'on a phone, {mode}, the page with its editors is {wide} px wide')
        contrast = t.js("""const paint = (e, what) => getComputedStyle(e)[what].match(/[\\d.]+/g).map(Number), light = c => c.slice(0, 3).map(v => v/255)
            .map(v => v <= .04 ? v/12.92 : ((v+.055)/1.055)**2.4).reduce((s, v, i) => s + v*[.2126, .7152, .0722][i], 0);
            const [x, y] = [light(paint(one('.cm-content'), 'color')), light(paint(document.body, 'backgroundColor'))].sort((p, q) => q-p); return (x+.05)/(y+.05)""")
        is_(contrast > 7, f'{mode}: the text of the editor has a contrast of {contrast:.1f}')
    window(driver, 1280)
    prefer(driver, 'light')


def plain(url, is_):
    "JavaScript off: task, blank, hints and solution can be read"
    driver = chrome(**{'profile.managed_default_content_settings.javascript': 2})
    try:
        driver.get(url + 'loops.html')
        text = driver.find_element('css selector', '#loops-1').text
        is_('loops-1' in text and 'def dot(u, v)' in text and 'Hint 1' in text and 'still blank' not in text, 'without JavaScript, an exercise can be read')
    finally: driver.quit()


def anywhere(driver, url, parts=(use, keys, kernels)):
    "What any browser can be asked for; returns what is wrong"
    wrong = []
    def is_(good, what): return good or wrong.append(f'python: not so: {what}')
    for part in parts:
        try: part(driver, url, is_)
        except Exception as e: is_(False, f'{part.__name__}: without an error ({type(e).__name__}: {str(e).splitlines()[0]})')
    return wrong


def check(driver, url):
    "Everything about Python on the pages of the site at `url`; returns what is wrong"
    try: urllib.request.urlopen(url + 'python/page.js').close()
    except HTTPError: return print('        this site was built without npm, so no Python on its pages') or []
    driver.execute_cdp_cmd('Network.enable', {})
    window(driver, 1280)
    driver.get_log('performance'), driver.get_log('browser')
    wrong = anywhere(driver, url, (use, keys, kernels, phone))
    wrong += [f'python: {w}' for w in traffic(driver, url)[1]]  # a request to another host is one of them
    wrong += [f"python: {e['message'][:200]}" for e in driver.get_log('browser') if e['level'] == 'SEVERE']
    plain(url, lambda good, what: good or wrong.append(f'python: not so: {what}'))
    driver.execute_script('localStorage.clear()')
    return wrong
