#!/usr/bin/env python3
"""Use the widgets in a real browser: results, keyboard, what is announced, both modes, 360 pixels, no motion, no JavaScript.

`check(driver, url)` is the turn of the widgets in `.ci/browser.py`: it runs the table of cases in the browser, and uses every widget on its page
of the site. Alone, this script uses them on a plain page made of the chapters' cells, for which nothing has to be built.
"""
import json, re, sys, tempfile, time
from pathlib import Path

from books import books, root
from browser import chrome, serve, wait, window
from selenium.webdriver.common.keys import Keys

ALL = Keys.CONTROL + 'a' + Keys.NULL  # which lets go of the control key


def chapters():
    "Widget → each notebook that has it, with the source of the cell that holds it"
    found = {}
    for path in books():
        for c in json.loads(path.read_text(encoding='utf-8'))['cells']:
            for name in re.findall(r'<div data-play="(\w+)"', src := ''.join(c['source'])): found.setdefault(name, []).append((path, src))
    return found


def plain_page(folder):
    "A page with the widgets of all chapters and nothing else, in `folder`"
    source = '\n'.join(src[src.index('<div data-play'):] for (_,src),*_ in chapters().values())
    once = '\n'.join(dict.fromkeys(re.findall(r'<(?:link|script).*', source)))
    (folder/'index.html').write_text('<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        '<link rel="icon" href="data:,"><title>widgets</title><style>:root { color-scheme: light dark }</style><main><h1>Widgets</h1>'
        f'{re.sub(r"<(?:link|script).*", "", source)}</main>{once}</html>', encoding='utf-8')
    (folder/'widgets').symlink_to(root/'nbs'/'widgets')


class Widget:
    "One widget of an open page, used by the keyboard alone"
    def __init__(self, driver, name):
        self.d, self.root = driver, driver.find_element('css selector', f'[data-play="{name}"] .play')
    def js(self, code): return self.d.execute_script(f'const root = arguments[0], all = css => [...root.querySelectorAll(css)]; {code}', self.root)
    def focus(self, css, n=0): self.js(f'all({css!r})[{n}].focus()')
    def keys(self, *keys): self.d.switch_to.active_element.send_keys(*keys)
    def type(self, css, text, n=0):
        self.focus(css, n)
        self.keys(ALL, Keys.DELETE, *([text] if text else []))
    def text(self, css=''): return self.js(f"return all({css!r}).map(e => e.textContent).join('|')") if css else self.root.text
    def active(self): return self.js("const e = document.activeElement; return e.textContent || e.value")


def use_broadcast(w, is_):
    w.type('input', '3,256,256'); w.keys(Keys.TAB); w.keys(ALL, '3')
    is_('They clash.' in w.text() and 'axis -1: 256 and 3 clash' in w.text(), 'a clash is explained')
    w.focus('.play-mends button'); w.keys(Keys.ENTER)
    is_('They fit: the result has the shape (3, 256, 256).' in w.text() and w.active() == '3,1,1', 'the remedy is applied, and its field has the focus')
    w.type('input', '3,y')
    is_("'y' is not a whole number" in w.text('.play-wrong') and w.js("return all('input')[0].getAttribute('aria-invalid')") == 'true', 'what is no shape is refused')
    w.type('input', '')
    is_('They fit: the result has the shape (3, 1, 1).' in w.text(), 'nothing is a scalar')
    w.js("all('button').find(b => b.textContent === 'another shape').focus()"); w.keys(Keys.ENTER); w.keys('4')
    is_('shape (3, 1, 4)' in w.text() and 'explain_broadcast((), (3, 1, 1), (4,))' in w.text(), 'a third shape')


def use_einsum(w, is_):
    w.type('input', 'ik,kj')
    is_('for k in range(A.shape[1]):' in w.text('.play-loops') and '39,200 times' in w.text(), 'a formula without an arrow')
    w.type('input', 'ii->')
    is_('out[()] += A[i,i]' in w.text('.play-loops') and w.js("return all('input')[1].value") == '(5,5)', 'the shapes follow a formula')
    w.type('input', '(5,5) (5)', 1)
    w.type('input', 'ij->')
    is_("'ij->' needs 1 operand; given: 2" in w.text('.play-wrong') and w.js("return all('input')[1].value") == '(5,5) (5)', 'but not where a reader has written some')
    w.type('input', 'ii->')
    w.type('input', '', 1)
    is_('out[()] += A[i,i]' in w.text('.play-loops') and 'the result is a single number' in w.text(), 'a trace')
    w.focus('input[type=checkbox]'); w.keys(Keys.SPACE)
    is_('the result has 0 labels' in w.text('.play-wrong'), 'no grid without a label')
    w.focus('.play-examples button'); w.keys(Keys.ENTER)
    is_('i,j = cuda.grid(2)' in w.text('.play-loops'), 'a kernel')


def use_cache(w, is_):
    w.focus('input[type=range]'); w.keys(*[Keys.ARROW_RIGHT]*17)
    is_('Step 17 of 512: i = 0, l = 2, j = 0. a[0,2] is in the cache; b[2,0] is fetched' in w.text(), 'seventeen steps by the arrow keys')
    is_('Step 17 of 512' in w.js("return all('input[type=range]')[0].getAttribute('aria-valuetext')"), 'the slider says where it is')
    w.keys(Keys.END)
    is_('Step 512 of 512' in w.text(), 'the End key')
    w.focus('input[type=radio]:checked'); w.keys(Keys.ARROW_RIGHT)
    is_(w.text('.play-chosen') == 'l, i, j' and 'Before the first of 512 steps' in w.text(), 'another order, by the arrow keys')
    w.focus('select'); w.keys(Keys.END)
    is_(w.text('.play-bar') == '|'.join(['48']*6), 'in a cache that holds everything, all orders fetch the same')
    w.js("all('button').find(b => b.textContent === 'play').focus()"); w.keys(Keys.ENTER); time.sleep(.7); w.keys(Keys.ENTER)
    at = w.js("return Number(all('input[type=range]')[0].value)"); time.sleep(.4)
    is_(0 < at == w.js("return Number(all('input[type=range]')[0].value)"), 'play, and pause')
    w.d.execute_cdp_cmd('Emulation.setEmulatedMedia', dict(features=[dict(name='prefers-reduced-motion', value='reduce')]))
    time.sleep(.3)
    is_(w.js("return all('button').find(b => b.textContent === 'play').hidden"), 'nothing moves by itself for those who asked for that')


def use_threads(w, is_):
    sectors = "return all('tbody tr').map(r => Number(r.children[2].textContent))"
    is_(w.js(sectors) == [16, 1, 16], 'sectors of the first warp, i first')
    w.focus('select'); w.keys(Keys.ARROW_DOWN)
    is_(w.js(sectors) == [2, 2, 4], 'and j first')
    w.focus('input[type=range]'); w.keys(Keys.END)
    is_('Warp 7 of block (0, 1)' in w.text(), 'the last warp')
    w.type('input[type=number]', '10', 2)
    is_('20 of 32 threads have something to do' in w.text(), 'ten columns leave threads idle')
    w.type('input[type=number]', '999')
    is_('n is 999; give a whole number from 1 to 48' in w.text('.play-wrong'), 'a size out of range')
    w.keys(ALL, '32')
    is_(not w.text('.play-wrong'), 'and mended')


def digits_for_the_sheet(count=100):
    "Test digits, each pixel a number from 0 to 255, their labels, and whether they are MNIST's"
    from groundup.data import get_exp_data, get_test_data, is_mnist
    x,y = get_test_data()
    return (x[:count]*255).astype(int).tolist(), y[:count].tolist(), is_mnist(get_exp_data()[2])


DRAW = """const [pixels, label] = arguments, sheet = document.querySelector('[data-play="draw"] canvas'), small = document.createElement('canvas');
small.width = small.height = 28;
const g = small.getContext('2d'), image = g.createImageData(28, 28);
pixels.forEach((v, i) => image.data.set([v, v, v, 255], 4*i));
g.putImageData(image, 0, 0);
const pen = sheet.getContext('2d');
pen.fillRect(0, 0, 280, 280);
pen.drawImage(small, 20 + label, 5, 230, 230);
sheet.dispatchEvent(new Event('input'));"""


def use_draw(w, is_):
    from selenium.webdriver import ActionChains
    sheet = w.root.find_element('css selector', '.play-sheet')
    read = lambda: (time.sleep(.15), sheet.get_attribute('data-read'))[1]
    w.focus('.play-sheet')
    is_(wait(w.d, 'return globalThis.groundup.drawWeights'), 'the network comes when somebody comes to the sheet')
    is_(read() == '' and 'Draw a digit' in w.text('.play-verdict'), 'an empty sheet is no digit')
    w.focus('.play-sheet'); w.keys(Keys.SPACE, *[Keys.ARROW_DOWN]*28, Keys.SPACE)
    is_(read() == '1', f'a stroke by the keyboard is a one, and not {read()!r}')
    w.keys(Keys.BACKSPACE)
    is_(read() == '', 'Backspace clears the sheet')
    move = ActionChains(w.d, duration=20).move_to_element_with_offset(sheet, -60, -90).click_and_hold()
    for dx,dy in [(40, 0)]*3 + [(-12, 38)]*5: move = move.move_by_offset(dx, dy)
    move.release().perform()
    is_(read() == '7', f'two strokes by the mouse are a seven, and not {read()!r}')
    w.js("all('button')[0].focus()"); w.keys(Keys.ENTER)
    is_(read() == '' and w.js("return document.activeElement.className") == 'play-sheet', 'the button clears the sheet, too')
    right, (pixels, labels, real) = 0, digits_for_the_sheet()
    for x,label in zip(pixels, labels):
        w.d.execute_script(DRAW, x, label)
        time.sleep(.05)
        right += sheet.get_attribute('data-read') == str(label)
    is_(right >= 97 or not real, f'of {len(labels)} test digits on the sheet, 97 are read right (it is {right})')
    print(f'draw: {right} of {len(labels)} test digits, drawn onto the sheet, are read right')
    w.keys(Keys.SPACE, Keys.ARROW_DOWN)


USE = dict(broadcast=use_broadcast, einsum=use_einsum, cache=use_cache, threads=use_threads, draw=use_draw)


def check_page(driver, url, names):
    "Use the widgets `names` of the page at `url`; returns what is wrong, as lines"
    wrong, page = [], url.rsplit('/', 1)[1] or 'plain page'
    def emulate(width=1100, **media):
        window(driver, width)
        driver.execute_cdp_cmd('Emulation.setEmulatedMedia', dict(features=[dict(name=f'prefers-{k.replace("_", "-")}', value=v) for k,v in media.items()]))
    def is_(good, what): return good or wrong.append(f'{page}: not so: {what}')
    def load(**how):
        emulate(**how)
        driver.get(url)
        return {n: Widget(driver, n) for n in names}
    for n,w in load().items():
        try: USE[n](w, lambda good, what: is_(good, f'{n}: {what}'))
        except Exception as e: is_(False, f'{n}: used without an error ({type(e).__name__}: {str(e).splitlines()[0]})')
        time.sleep(.7)
        is_(w.text('[role=status]'), f'{n}: the result is announced')
    for n,w in load().items():
        is_(not w.text('[role=status]'), f'{n}: nothing is announced before somebody uses it')
        controls = w.js("const found = all('input:not([type=radio]), input:checked[type=radio], select, button:enabled, [tabindex=\"0\"]').filter(e => e.offsetParent);"
                        "found[0].focus(); return found.length")
        seen = 0
        while w.js('return root.contains(document.activeElement)') and seen < 60:
            seen += 1
            if seen > 1: is_(w.js("return getComputedStyle(document.activeElement).outlineWidth") == '3px', f'{n}: the focus is seen on {w.active()[:30]!r}')
            w.keys(Keys.TAB)
        is_(seen == controls, f'{n}: the tab key reaches all {controls} controls (it reached {seen})')
    for scheme in ('light', 'dark'):
        load(width=360, color_scheme=scheme)
        too_wide = driver.execute_script("return [...document.querySelectorAll('.play')].filter(e => e.getBoundingClientRect().right > innerWidth || e.scrollWidth > e.clientWidth + 1).length")
        is_(not too_wide, 'at 360 pixels, no widget is wider than the page')
    own = [l['message'] for l in driver.get_log('browser') if l['level'] == 'SEVERE' and url.rsplit('/', 1)[0] in l['message'] and 'favicon' not in l['message']]
    is_(not own, f'no error in the console {own}')
    driver.execute_cdp_cmd('Emulation.setScriptExecutionDisabled', dict(value=True))
    driver.get(url)
    driver.execute_cdp_cmd('Emulation.setScriptExecutionDisabled', dict(value=False))
    for n in names: is_('thing to play with' in driver.find_element('css selector', f'[data-play="{n}"]').text, f'{n}: without JavaScript, the plain explanation is there')
    emulate()
    return wrong


def check_table(driver, url):
    "Run the table of cases in the browser; returns what is wrong"
    driver.get(url)
    driver.execute_script((root/'.ci'/'widgets.js').read_text(encoding='utf-8'))
    return driver.execute_script('return checkWidgets(arguments[0])', json.loads((root/'.ci'/'widgets.json').read_text(encoding='utf-8')))


def check(driver, url):
    "Everything about the widgets on the site at `url`; returns what is wrong"
    with tempfile.TemporaryDirectory() as folder:
        plain_page(Path(folder))
        wrong = check_table(driver, serve(folder))
    for name,places in chapters().items():
        for path,_ in places: wrong += check_page(driver, f"{url}{re.sub(r'^[0-9]+_', '', path.stem)}.html", [name])
    return wrong


def main():
    driver = chrome()
    with tempfile.TemporaryDirectory() as folder:
        plain_page(Path(folder))
        plain = serve(folder)
        try: wrong = check_table(driver, plain) + check_page(driver, plain, list(chapters()))
        finally: driver.quit()
    for w in wrong: print(w)
    print(f'{len(chapters())} widgets on a plain page: {len(wrong)} problems')
    return 1 if wrong else 0


if __name__ == '__main__': sys.exit(main())
