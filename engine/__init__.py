"""A small TGI-compatible server on transformers: any Hugging Face causal language model folder, on CPU or one GPU.

Speaks the wire protocol of text-generation-inference 3.3 (`/generate`, `/generate_stream`, `/v1/chat/completions`,
`/tokenize`, `/chat_tokenize`, `/info`, ...), including its error bodies and its habits. It does not do adapters,
images, tools or watermarks, and it refuses them by name rather than ignoring them.
"""
