"""A person's visit to the demo page, done by a real browser: look, click, watch, leave."""

from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

# Runs in the page: does something to the video and reports back when the browser says it happened.
_VIDEO = """
const [action, argument, done] = arguments;
const video = document.querySelector('video');
const after = { play: 'playing', pause: 'pause', volume: 'volumechange', seek: 'seeked' }[action];
video.addEventListener(after, () => done(video.currentTime), { once: true });
if (action === 'play') video.play();
else if (action === 'pause') video.pause();
else if (action === 'volume') video.volume = argument;
else video.currentTime = argument;
"""

# Put in front of the served script: what a careless client does. Nothing outlives the page.
PLAIN_FETCH = b"""
(() => {
  const plain = window.fetch.bind(window);
  window.fetch = (url, options = {}) => plain(url, { ...options, keepalive: false });
  Navigator.prototype.sendBeacon = (url, body) => {
    plain(url, { method: 'POST', body, mode: 'no-cors' }).catch(() => {});
    return true;
  };
})();
"""


def watch(driver: WebDriver) -> None:
    """Plays the video, pauses it, turns the volume down, seeks, and goes on."""
    WebDriverWait(driver, 20).until(
        lambda d: d.execute_script("return (document.querySelector('video') || {}).readyState >= 2"),
        "the video of the demo page to be playable",
    )
    for action, argument in (("play", None), ("pause", None), ("volume", 0.25), ("seek", 1.0), ("play", None)):
        driver.execute_async_script(_VIDEO, action, argument)


def visit(driver: WebDriver, page: str) -> None:
    """Opens `page` in a tab of its own, uses everything on it, follows a link, and closes the tab."""
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    driver.get(page)
    driver.find_element(By.ID, "throw").click()
    driver.execute_script("beacon.track('checkout.done', {'cart.items': 3})")
    watch(driver)
    here = driver.current_url
    driver.find_element(By.CSS_SELECTOR, "a[href]").click()
    WebDriverWait(driver, 20).until(lambda d: d.current_url != here, "the link to be followed")
    WebDriverWait(driver, 20).until(lambda d: d.execute_script("return document.readyState") == "complete")
    driver.close()
    driver.switch_to.window(first)
