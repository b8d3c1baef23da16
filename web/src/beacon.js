// Pharos beacon: page views, time on page, errors, links, media, own events.
// No cookies, no storage, no dependencies. Options are data-* of the script tag:
// url, key, token, service, version, session (or "server": it keeps one), session-param, media="off".
(() => {
  const w = window, d = document, nav = navigator, me = d.currentScript || d.createElement('script'), opt = me.dataset;
  const stub = w.beacon, early = stub && stub.q || [];
  if (stub && stub.track) return;
  const url = opt.url || new URL('%PATH%', me.src || location.href).href;
  const now = () => performance.now(), iso = () => new Date().toISOString();
  const id = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, '0')).join('');
  // Our mistakes are never the page's.
  const safe = (f) => (...a) => { try { return f(...a); } catch (e) { lost++; } };
  const on = (target, names, f, capture) => names.split(' ').forEach((name) => target.addEventListener(name, safe(f), capture));

  const session = opt.session == 'server' ? undefined : opt.session || opt.sessionParam && new URLSearchParams(location.search).get(opt.sessionParam) || id();
  let common = {}, queue = [], waiting = new Set(), timer = 0, stopped = false, lost = 0, seq = 0;
  let page, here, shown = 0, left = true, changed = 0, gone = false;

  // ---- sending
  const emit = (name, attributes) => {
    if (stopped) return;
    if (queue.push({ '@timestamp': iso(), 'event.action': String(name), 'event.sequence': seq++, 'url.full': here || location.href, 'page.id': page, ...common, ...attributes }) > 200) queue.shift(), lost++;
    if (d.visibilityState == 'hidden' || gone) flush(true);
    else if (queue.length >= 20) flush();
    // The page view goes first, in case nothing else can: a crash, a killed browser.
    else timer ||= setTimeout(safe(flush), seq == 1 ? 100 : 1000);
  };
  const flush = (last) => {
    last = last === true;
    clearTimeout(timer);
    timer = 0;
    if (last) waiting.forEach((batch) => { clearTimeout(batch.t); waiting.delete(batch); send(batch, last); });
    while (queue.length) send({ id: id(), n: 0, events: queue.splice(0, 20) }, last);
  };
  const halve = (batch, last) => {
    const half = batch.events.length >> 1;
    if (!half) return void lost++;
    send({ id: id(), n: 0, events: batch.events.slice(0, half) }, last);
    send({ id: id(), n: 0, events: batch.events.slice(half) }, last);
  };
  const send = (batch, last) => {
    if (stopped) return;
    const message = { sent_at: iso(), 'batch.id': batch.id, key: opt.key, token: opt.token, 'session.id': session, lost: lost || undefined, events: batch.events };
    if (nav.webdriver) message['user_agent.synthetic.type'] = 'test';
    if (opt.service) message.resource = { 'service.name': opt.service, 'service.version': opt.version };
    const body = JSON.stringify(message), size = new Blob([body]).size;
    if (size > 6e4 && batch.events.length > 1) return halve(batch, last);
    lost = 0;
    if (last && nav.sendBeacon && nav.sendBeacon(url, body)) return;
    fetch(url, { method: 'POST', body, keepalive: size < 6e4 && batch.n != 1, credentials: 'omit' }).then((answer) => {
      const status = answer.status;
      if (status == 413) halve(batch, last);
      else if (status == 429 || status > 499) again(batch, +answer.headers.get('Retry-After'));
      else if ([401, 403, 404, 410].includes(status)) stopped = true;
    }, () => again(batch, 0));
  };
  // The same batch id again: the server knows what it took already.
  const again = (batch, after) => {
    if (++batch.n > 8 || waiting.size > 9) return void (lost += batch.events.length);
    waiting.add(batch);
    const delay = after ? Math.min(after, 300) * 1e3 : Math.min(2 ** batch.n * 1e3, 3e5);
    batch.t = setTimeout(safe(() => { waiting.delete(batch); send(batch); }), delay * (1 + Math.random() / 4));
  };

  // ---- pages
  const view = (attributes) => {
    page = id();
    here = location.href;
    changed = shown = now();
    left = false;
    emit('browser.navigation', { 'event.kind': 'event', 'event.category': ['web'], 'page.title': d.title, 'http.request.referrer': d.referrer || undefined, 'browser.navigation.same_document': false, ...attributes });
  };
  const leave = () => {
    const time = now() - shown;
    if (!page || !shown || left && time < 1e3) return;
    left = true;
    shown = 0;
    const root = d.documentElement;
    emit('browser.page_leave', { 'event.duration': Math.max(1, Math.round(time * 1e6)), 'page.visible_time': Math.round(time), 'page.scroll_depth': Math.min(100, Math.round((w.scrollY + w.innerHeight) / root.scrollHeight * 100)) });
  };
  const hide = () => { media.forEach((f) => f()); repeat(); leave(); flush(true); };
  const start = () => {
    if (page || d.prerendering || d.visibilityState == 'hidden') return;
    const type = { reload: 'reload', back_forward: 'traverse' }[(performance.getEntriesByType('navigation')[0] || {}).type];
    view({ 'browser.navigation.type': type });
  };
  const moved = (type) => {
    const to = location.href, strip = (u) => u && u.split('#')[0];
    if (!page || strip(to) == strip(here)) return;
    if (type == 'replace' && now() - changed < 100) return void (here = to);
    leave();
    view({ 'browser.navigation.same_document': true, 'browser.navigation.type': type, 'http.request.referrer': undefined });
  };
  if (w.navigation) on(navigation, 'currententrychange', (e) => moved(e.navigationType || undefined));
  else {
    ['push', 'replace'].forEach((type) => {
      const name = type + 'State', own = history[name];
      history[name] = function () { const r = own.apply(this, arguments); safe(moved)(type); return r; };
    });
    on(w, 'popstate', () => moved('traverse'));
  }
  on(d, 'prerenderingchange', start);
  on(d, 'visibilitychange', () => {
    if (d.visibilityState == 'hidden') hide();
    else if (page) shown ||= now();
    else start();
  });
  on(w, 'pagehide', () => { hide(); gone = true; });
  on(w, 'pageshow', (e) => { gone = false; if (e.persisted) view({ 'browser.navigation.type': 'traverse' }); });

  // ---- errors
  const known = new Map();
  const error = (e, attributes) => {
    const is = e instanceof Error, text = (k) => { try { return is && e[k] ? String(e[k]).slice(0, 8192) : undefined; } catch (_) { } };
    const fields = { 'error.type': text('name') || 'Error', 'error.message': text('message') || String(is ? '' : e).slice(0, 1024), 'error.stack_trace': text('stack'), 'log.level': 'error', ...attributes };
    const key = [fields['error.type'], fields['error.message'], (fields['error.stack_trace'] || '').slice(0, 300)].join();
    const before = known.get(key);
    if (before) return void before.n++;
    if (known.size >= 50) return;
    known.set(key, { n: 0, fields });
    emit('exception', fields);
  };
  const repeat = () => known.forEach((one) => { if (one.n) emit('exception', { ...one.fields, 'beacon.repeats': one.n }); one.n = 0; });
  on(w, 'error', (e) => { if (e.error || e.message) error(e.error || e.message); });
  on(w, 'unhandledrejection', (e) => error(e.reason));

  // ---- links
  on(d, 'click auxclick', (e) => {
    const a = e.target.closest && e.target.closest('a[href]');
    if (a && a.host && a.host != location.host) emit('browser.link_click', { 'browser.link.url.full': a.href, 'browser.link.kind': 'outbound' });
  }, true);

  // ---- media: events of players do not bubble, but they can be caught on their way down
  const players = new WeakMap(), media = new Map();
  const player = (el) => {
    if (!players.has(el)) players.set(el, { id: id(), at: 0, rate: 1 });
    return players.get(el);
  };
  const tell = (el, name, attributes) => {
    const s = player(el), live = el.duration == Infinity;
    if (!gone) emit('media.' + name, { 'media.session.id': s.id, 'media.id': s.name || el.id || el.currentSrc.split('?')[0], 'media.title': s.title, 'media.position': el.currentTime, 'media.duration': live ? undefined : el.duration, 'media.stream_type': live ? 'live' : 'vod', 'media.elapsed': s.started && Math.round(now() - s.started), ...attributes });
  };
  const loud = (el) => { media.delete(el); tell(el, 'volume_changed', { 'media.volume': el.volume, 'media.muted': el.muted }); };
  const acts = {
    play: (el, s) => { s.play ||= now(); },
    playing: (el, s) => {
      clearTimeout(s.wait);
      if (s.stall) tell(el, 'stall_end', { 'event.duration': Math.round((now() - s.stall) * 1e6) }), s.stall = 0;
      if (!s.started) s.started = now(), tell(el, 'started', { 'media.startup_time': Math.round(s.started - (s.play || s.started)) });
      else if (s.paused) tell(el, 'resumed');
      s.paused = false;
    },
    pause: (el, s) => { clearTimeout(s.wait); if (!el.ended && !el.error && !s.paused) s.paused = true, tell(el, 'paused'); },
    timeupdate: (el, s) => { if (!el.seeking) s.at = el.currentTime; },
    seeking: (el, s) => { clearTimeout(s.wait); s.from ??= s.at; },
    seeked: (el, s) => { if (s.from != null && s.play) tell(el, 'seek', { 'media.seek.from': s.from, 'media.seek.to': el.currentTime }); s.from = null; s.at = el.currentTime; },
    volumechange: (el, s) => { clearTimeout(s.loud); s.loud = setTimeout(safe(() => media.has(el) && loud(el)), 300); media.set(el, () => loud(el)); },
    waiting: (el, s) => {
      if (!s.started || s.paused || el.seeking || s.stall) return;
      clearTimeout(s.wait);
      const since = now();
      s.wait = setTimeout(safe(() => { s.stall = since; tell(el, 'stall_start'); }), 250);
    },
    ratechange: (el, s) => { if (el.playbackRate != s.rate) s.rate = el.playbackRate, tell(el, 'rate_changed', { 'media.playback_rate': s.rate }); },
    ended: (el, s) => { s.started = s.play = 0; tell(el, 'ended'); s.id = id(); },
    error: (el) => { if (el.error) tell(el, 'error', { 'error.code': String(el.error.code), 'error.message': el.error.message }); },
  };
  if (opt.media != 'off') for (const name in acts) on(d, name, (e) => { if (e.target instanceof HTMLMediaElement) acts[name](e.target, player(e.target)); }, true);

  const api = {
    track: safe(emit),
    error: safe(error),
    page: safe((attributes) => { leave(); view(attributes); }),
    media: safe((el, about) => { const s = player(el); s.name = about.id; s.title = about.title; }),
    set: safe((attributes) => { common = { ...common, ...attributes }; }),
    flush: safe(flush),
    stop: () => { stopped = true; queue = []; },
  };
  w.beacon = api;
  safe(start)();
  early.forEach(([name, ...rest]) => api[name] && api[name](...rest));
})();
