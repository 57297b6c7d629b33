"""Makes a real chat model with random weights: make_model.py FOLDER [small|large]

Runs where vLLM is installed (torch, transformers, tokenizers). small: about 7 MB in one file; large: about 1 GB in several.
The same arguments make the same weights. Its words are nonsense, its behaviour is a model's.
"""

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

# ChatML, as many instruct models have it.
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SIZES = {
    "small": dict(hidden_size=256, intermediate_size=688, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2),
    "large": dict(hidden_size=2048, intermediate_size=5504, num_hidden_layers=10, num_attention_heads=16, num_key_value_heads=8),
}
VOCABULARY = 2048


def make_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    # Any text will do; this one is the same wherever torch is.
    texts = sorted(Path(torch.__file__).parent.glob("nn/*/*.py"))[:60]
    tokenizer.train_from_iterator((path.read_text(errors="ignore") for path in texts), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", bos_token=None,
        additional_special_tokens=["<|im_start|>"],
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def main() -> None:
    folder = Path(sys.argv[1])
    size = sys.argv[2] if len(sys.argv) > 2 else "small"
    torch.manual_seed(20)
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=VOCABULARY, max_position_embeddings=2048, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, **SIZES[size],
    )
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder, max_shard_size="300MB")
    total = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{size} model in {folder}: {total / 1e6:.1f} MB, {len(list(folder.iterdir()))} files")


main()
