"""A person's visit to the demo page, done by a real browser: look, click, watch, leave."""

from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

# Runs in the page: presses a button and reports back when the video did what the button is for.
_PRESS = """
const [button, event, done] = arguments;
document.getElementById('video').addEventListener(event, () => done(), { once: true });
document.getElementById(button).click();
"""
_WATCH = (("play", "playing"), ("pause", "pause"), ("volume", "volumechange"), ("seek", "seeked"), ("play", "playing"))

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
        lambda d: d.execute_script("return document.getElementById('video').readyState >= 2"),
        "the video of the demo page to be playable",
    )
    for button, event in _WATCH:
        driver.execute_async_script(_PRESS, button, event)


def visit(driver: WebDriver, page: str) -> None:
    """Opens `page` in a tab of its own, uses everything on it, follows a link, and closes the tab."""
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    driver.get(page)
    driver.find_element(By.ID, "throw").click()
    driver.find_element(By.ID, "custom").click()
    watch(driver)
    driver.find_element(By.ID, "next").click()
    WebDriverWait(driver, 20).until(lambda d: "/demo/next" in d.current_url, "the link to be followed")
    WebDriverWait(driver, 20).until(lambda d: d.execute_script("return document.readyState") == "complete")
    driver.close()
    driver.switch_to.window(first)
