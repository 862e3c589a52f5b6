-- What Quarto does to each page before it writes it.
-- Chapters: a line of links at the top. Blocks of documentation that nbdev made: a frame with the name as anchor and links to source and
-- reference, without the signature where the whole source follows. Everywhere: links to this site become relative.
local function read(path)
  local f = io.open(path)
  local text = f and f:read('a')
  if f then f:close() end
  return text
end

local function setting(key) return read(quarto.project.directory .. '/nbdev.yml'):match(key:gsub('-', '%%-') .. ': "([^"]+)"') end

local root = quarto.project.offset or '.'
local name = pandoc.path.filename(quarto.doc.input_file)
local module = name:match('^%d%d_(.+)%.ipynb$')
if module and (root ~= '.' or not read(root .. '/reference/' .. module .. '.qmd')) then module = nil end
local site

local function link(text, target) return pandoc.Link(text, target) end

-- What of a chapter answers on the page: things to play with, code to run, exercises
local function answers(blocks)
  local links, exercises = pandoc.List(), pandoc.List()
  local function note(d)
    local a = d.attributes
    local kind = a['data-play'] or a['play'] or a['data-run'] or a['run']
    if a['data-exercise'] then exercises:insert(d.identifier)
    elseif kind then
      if d.identifier == '' then d.identifier = 'on-the-page-' .. kind end
      links:insert(link('▸ ' .. (a['data-title'] or a['title'] or kind), '#' .. d.identifier))
    end
    return d
  end
  blocks = pandoc.Blocks(blocks):walk({Div = note})
  if #exercises > 0 then links:insert(link(#exercises .. ' exercises', '#' .. exercises[1])) end
  return blocks, links
end

local function top(more)
  local colab = link('Open in Colab', 'https://colab.research.google.com/github/' .. site.repo .. '/blob/main/nbs/' .. name)
  colab.classes = {'colab'}
  local links = {colab}
  if module then table.insert(links, link({pandoc.Str('Reference: '), pandoc.Code('groundup.' .. module)}, 'reference/' .. module .. '.qmd')) end
  return pandoc.Div((pandoc.List(links) .. more):map(function (l) return pandoc.Plain(l) end), {class = 'page-links'})
end

-- What a chapter is heading for: the output of the cell that has a `headline`, with that as its caption and the way to where it comes from
local function headline(blocks)
  for _, b in ipairs(blocks) do
    local words = b.attributes and b.attributes.headline
    if words then
      b.attributes.headline = nil
      local shown = b.content:filter(function (c) return c.t == 'Div' and c.classes:includes('cell-output-display') end)
      shown:insert(pandoc.Div(pandoc.Plain({pandoc.Str(words .. ' '), link('How it comes about', '#' .. b.identifier)}), {class = 'headline-words'}))
      return pandoc.Div(shown:clone(), {class = 'headline'})
    end
  end
end

-- Is there documentation of a symbol at block i? Its parts and the index behind it
local function symbol(blocks, i)
  local rule, src, head = blocks[i], blocks[i+1], blocks[i+2]
  if not (head and rule.t == 'HorizontalRule' and src.t == 'Para' and #src.content == 1 and src.content[1].t == 'Link' and head.t == 'Header') then return nil end
  local body, j = pandoc.List(), i+3
  while blocks[j] and not pandoc.List({'HorizontalRule', 'Header', 'Div'}):includes(blocks[j].t) do
    local words = blocks[j].t == 'Para' and blocks[j].content[1].t == 'Emph'  -- its docstring, the last part
    if not words and blocks[j].t ~= 'CodeBlock' then break end
    body:insert(blocks[j])
    j = j+1
    if words then break end
  end
  return {head = head, source = src.content[1].target, body = body}, j
end

local function fold(block) return block and block.t == 'Div' and block.content[1] and block.content[1].attributes and block.content[1].attributes['code-summary'] end
local function exported(block) return fold(block) and true end  -- nbdev folds what is exported, if the cell doesn't

-- Does this cell hold the source of the symbol?
local function defines(block, s)
  local name = pandoc.utils.stringify(s.head):match('[^.]+$')
  local text = '\n' .. block.content[1].text
  return text:find('\n%s*def ' .. name .. '%f[^%w_]') or text:find('\n%s*class ' .. name .. '%f[^%w_]')
end

local function frame(s, whole)
  local id = s.head.identifier
  local links = {pandoc.Code(pandoc.utils.stringify(s.head)), pandoc.Space(), link('source', s.source)}
  if module then links = pandoc.List(links) .. {pandoc.Space(), link('reference', 'reference/' .. module .. '.qmd#' .. pandoc.utils.stringify(s.head))} end
  local body = whole and pandoc.List() or s.body
  return pandoc.Div(pandoc.List({pandoc.Div(pandoc.Plain(links), {class = 'symbol-links'})}) .. body, pandoc.Attr(id, {'symbol'}))
end

-- An exercise: the output with its task, and the cell with its blank, whose verdict ('still blank') is left out. On these pages it can be tried
local here = pandoc.List({'data', 'random', 'loops', 'cuda', 'kernels'})
local function exercise(blocks, i)
  local code = blocks[i].t == 'Div' and blocks[i].content[1]
  local id = code and code.t == 'CodeBlock' and code.text:match("check_exercise%('([%w-]+)'")
  if not id then return nil end
  local task = blocks[i-1]
  local told = task and task.t == 'Div' and pandoc.utils.stringify(task):find(id .. ': ', 1, true)  -- not before the notebook has been run
  local try = here:includes((id:gsub('-%d+$', '')))
  local folds = pandoc.List()  -- hints and solution: below the blank, which they don't push down
  task = told and task:walk({Div = function (d)
    local _, from = d.content:find_if(function (b) return b.t == 'RawBlock' and b.text:find('<details') end)
    if not from or #folds > 0 then return nil end
    folds = pandoc.List({table.unpack(d.content, from)})
    d.content = {table.unpack(d.content, 1, from-1)}
    return d
  end})
  local parts = pandoc.List(told and {task} or {})
  local home = pandoc.Para({pandoc.Str(try and 'To try it here, the page needs JavaScript. Or: ' or 'To try it: '), pandoc.Code('groundup practice open ' .. id), pandoc.Str(', or the button for Colab at the top.')})
  parts:insert(pandoc.Div({code, home}, {class = try and 'exercise-blank' or ''}))  -- an editor takes the place of the blank, where there can be one
  if #folds > 0 then parts:insert(pandoc.Div(folds, {class = 'exercise-folds'})) end
  return pandoc.Div(parts, pandoc.Attr(id, {'exercise'}, {['data-exercise'] = id})), told
end

-- What a notebook says of its page is said otherwise on the page
local function at_home(blocks)
  return pandoc.Blocks(blocks):walk({Inlines = function (words)
    for n = 3, #words do
      local l = words[n]
      if l.t == 'Link' and pandoc.utils.stringify(l) == 'the page of this chapter' and words[n-2].text == 'On' then
        for k = n+1, math.min(n+8, #words) do
          if words[k].text == 'they' then words[k].text = 'They' elseif words[k].text == 'there,' then words[k].text = 'here,' end
        end
        local practice = l.target:find('#practice$')
        for _ = n-2, practice and n+1 or n do words:remove(n-2) end
        if not practice then words:insert(n-2, pandoc.Str('On this page, with JavaScript' .. (words[n-2].t == 'Space' and ',' or ''))) end
        return words
      end
    end
  end, Div = function (d)
    local code = d.classes:includes('cell') and d.content[1]
    if here:includes(module) and code and code.t == 'CodeBlock' and code.text:find('^from groundup%.practice import [^\n]*$') then return {} end
  end})
end

-- Is this code imports and nothing else?
local function imports(text)
  for line in text:gmatch('[^\n]+') do
    if not (line:match('^import ') or line:match('^from ') or line:match('^%s') or line:match('^#')) then return false end
  end
  return true
end

function Pandoc(doc)
  site = {url = setting('site-url'), repo = setting('repo-url'):gsub('^https://github.com/', '')}
  local out, i = pandoc.List(), 1
  while i <= #doc.blocks do
    local run, s, j = pandoc.List(), symbol(doc.blocks, i)
    while s do
      run:insert(s)
      i = j
      s, j = symbol(doc.blocks, i)
    end
    for _, r in ipairs(run) do
      if exported(out[#out]) and defines(out[#out], r) then out:insert(#out, frame(r, true))
      else out:insert(frame(r, exported(doc.blocks[i]) and defines(doc.blocks[i], r))) end
    end
    if doc.blocks[i] then out:insert(doc.blocks[i]) end
    i = i+1
  end
  out = at_home(out)
  for n = #out, 2, -1 do
    local e, told = exercise(out, n)
    if e then out[n] = e end
    if told then out:remove(n-1) end
  end
  local more
  out, more = answers(out)
  if root == '.' and name:match('^%d%d_.+%.ipynb$') then
    local shown = headline(out)
    if shown then out:insert(1, shown) end
    out:insert(1, top(more))
  end
  for n = #out, 1, -1 do
    local b, before = out[n], out[n-1]
    if fold(b) == 'Exported source' then b.content[1].attributes = {} end  -- no fold around what the chapter is about
    local code = b.t == 'Div' and b.classes:includes('cell') and b.content[1]
    local lines = code and code.t == 'CodeBlock' and select(2, code.text:gsub('\n', '')) + 1 or 0
    local summary = lines > 25 and 'The code: ' .. lines .. ' lines' or lines > 3 and imports(code.text) and 'Imports'
    if summary and not code.attributes['code-fold'] then code.attributes['code-fold'], code.attributes['code-summary'] = 'true', summary end
    local above = before and before.t == 'Div' and before.classes:includes('cell') and #before.content == 1 and before.content[1]
    local said = code and code.attributes and code.attributes['code-summary']
    if (summary == 'Imports' or said == 'Imports') and #b.content == 1 and above and above.t == 'CodeBlock' and imports(above.text) then  -- one fold for both
      above.text = above.text .. '\n' .. code.text
      out:remove(n)
    end
  end
  doc.blocks = pandoc.Blocks(out):walk({Link = function (l)
    if l.target:sub(1, #site.url) == site.url then l.target = root .. l.target:sub(#site.url+1) end
    return l
  end, CodeBlock = function (c)  -- nbdev puts links into the comments of a signature
    c.text = c.text:gsub('%[(`[^`\n]+`)%]%(https?://[^)]+%)', '%1')
    return c
  end})
  return doc
end
