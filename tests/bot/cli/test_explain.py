"""`zimagine explain`: the analysis of a prompt, with tokens counted as the renderer does."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli import group
from bot.cli.common.token_count import token_counter
from bot.i18n import words
from bot.wording import prompt_analysis
from engine.diffusion import renderer
from engine.diffusion.renderer import DiffusionRenderer
from engine.prompts import Advice, Hint
from engine.settings import EngineSettings
from engine.sketch import MODEL_DIR

PROMPT = (
    'an oil painting of a copper lighthouse at dawn in fog, red roof, (sea:1.3), no people, "OPEN"'
)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test starts in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def explain(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(group, ["explain", *arguments], catch_exceptions=False)


def test_another_programs_text_is_taken_apart():
    """Only the prompt of a pasted text is explained, not its settings."""
    text = "a red house Negative prompt: fog Steps: 20, Sampler: x, CFG scale: 7, Seed: 5"
    assert json.loads(explain(text, "--json").stdout)["prompt"] == "a red house"


def test_of_choices_the_first_is_explained_and_that_is_said():
    """As in Discord, it is said how many pictures the choices make; a script reads the numbers."""
    first = explain("a {red, blue} house --repeat 2").stdout.splitlines()[0]
    assert first == "The choices in braces make 4 pictures. Only the first prompt is analysed here."
    found = json.loads(explain("a {red, blue} house --repeat 2", "--json").stdout)
    assert (found["prompt"], found["choices"], found["pictures"]) == ("a red house", 2, 4)
    assert "braces" not in explain("a red house").stdout


def test_it_prints_what_was_found_what_is_advised_and_what_would_be_added():
    """The output has each heading with the prompt's words, the advice, and both levels."""
    shown = explain(PROMPT).stdout
    rows = dict(line.split(None, 1) for line in shown.splitlines()[:10])
    assert rows["Subject"].strip() == "a copper lighthouse" and rows["Style"] == "oil painting"
    assert (rows["Material"], rows["Time"], rows["Colours"]) == ("copper", "dawn", "red")
    assert (rows["Weather"], rows["Language"]) == ("fog", "English")
    assert rows["Tokens"].endswith("of 512")
    for words_ in ("“(sea:1.3)”", "“no people”", "“OPEN”", "light: Crisp focus", "full: "):
        assert words_ in shown
    assert "Negative prompt" in shown and not Path("data").exists()


def test_json_holds_all_of_it():
    """The JSON has the analysis, the advice with kind and sentence, and each level's words."""
    found = json.loads(explain("黎明时分的山间湖泊，水墨画", "--json").stdout)
    assert found["language"] == "zh" and found["styles"] == ["水墨画"] and found["advice"] == []
    assert found["times"] == ["黎明时分"] and found["max_tokens"] == 512
    full = found["levels"]["full"]
    assert full["effective_prompt"].startswith(found["prompt"]) and full["added"]
    assert full["negative_prompt"] and found["levels"]["light"]["added"] != full["added"]
    tagged = json.loads(explain("a cat, 8k", "--json").stdout)
    assert [each["hint"] for each in tagged["advice"]] == ["quality_tags"]
    assert "8k" in tagged["advice"][0]["sentence"]


def test_a_chosen_style_is_explained():
    """Every level adds the chosen style, or the output says why it is ignored."""
    turbo = ("--model", "owner/none", "--style", "ink")
    shown = explain("a lake at dawn", *turbo).stdout
    assert re.search(r"Chosen style +ink wash\n", shown)
    for level in (
        "off: ink wash painting",
        "light: ink wash painting. Crisp",
        "full: ink wash pai",
    ):
        assert level in shown
    found = json.loads(explain("a lake at dawn", *turbo, "--json").stdout)
    assert found["style"] == "ink" and "ink" in found["levels"]["light"]["effective_prompt"]
    assert "“photo”" in explain("a photo of a lake", *turbo).stdout
    assert "does not know the style" in explain("a lake", "--style", "ink").stdout
    assert json.loads(explain("a lake", "--json").stdout)["style"] is None


def test_tokens_are_counted_as_the_painter_counts_them(monkeypatch: pytest.MonkeyPatch):
    """The tokenizer alone gives the same numbers as the loaded model."""
    # Otherwise the thread that runs all tests would be slow from then on.
    monkeypatch.setattr(renderer, "_lower_priority", lambda: None)
    loaded = DiffusionRenderer.load(EngineSettings(model="sketch", device="cpu"))
    count = token_counter("sketch")
    assert count is not None
    for prompt in ("a lake", "一座红色的房子", "<|im_end|> {x} {}", "ß€ 🎨\n\nlines", "x" * 900):
        assert count(prompt) == loaded.count_tokens(prompt)
    loaded.close()


def test_where_there_is_no_tokenizer_it_says_so(tmp_path: Path):
    """Tokens are not counted if the tokenizer is not on this machine, damaged or foreign."""
    damaged = tmp_path / "damaged"
    shutil.copytree(MODEL_DIR / "tokenizer", damaged / "tokenizer")
    (damaged / "tokenizer" / "tokenizer.json").write_text("{")
    for model in ("owner/none", "none", str(tmp_path), str(damaged)):
        assert token_counter(model) is None
    done = explain("a lake", "--model", "owner/none")
    assert done.exit_code == 0 and "not counted" in done.stdout
    assert json.loads(explain("a lake", "--model", "none", "--json").stdout)["tokens"] is None


def test_torch_is_not_loaded_for_it():
    """Neither torch nor transformers is imported, so that the command is fast."""
    code = (
        "import sys\nfrom bot.cli import group\n"
        "group.main(['explain', 'a lake'], standalone_mode=False)\n"
        "sys.exit(bool({'torch', 'transformers', 'diffusers'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("prompt", ["", "\u200b", "x" * 4000])
def test_what_is_no_prompt_exits_2(prompt: str):
    """An invalid prompt exits with code 2 and the same sentence as `imagine`."""
    done = explain(prompt)
    assert done.exit_code == 2 and done.stdout == "" and done.stderr.strip()


@pytest.mark.parametrize("hint", Hint)
def test_every_kind_of_advice_has_its_words(hint: Hint):
    """Each kind of advice has a sentence that names its words, but only a few of many."""
    given = Advice(hint, tuple(f"word{n}" for n in range(9)), tokens=700, max_tokens=512)
    sentence = prompt_analysis.advice_sentence(given, words())
    assert sentence.endswith(".") and "\n" not in sentence
    assert ("700" in sentence) if hint is Hint.TOO_LONG else ("“word0”" in sentence)
    assert "word7" not in sentence


def test_words_without_quotation_marks_are_one_prompt():
    """What a shell has split at its blanks is put together again."""
    assert json.loads(explain("a", "red", "house", "--json").stdout)["prompt"] == "a red house"
