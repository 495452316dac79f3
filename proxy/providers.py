"""The usual providers: a well-known key in the environment is enough to use one."""

from dataclasses import dataclass

from proxy.settings import ModelSettings, UpstreamSettings, read_secret


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider's OpenAI-compatible endpoint is, and a few of its models that Maestro may choose."""

    name: str
    key: str
    base_url: str
    models: tuple[str, ...]


PROVIDERS = (
    Provider("openai", "OPENAI_API_KEY", "https://api.openai.com/v1", ("gpt-5-nano", "gpt-5-mini", "gpt-5")),
    Provider(
        "anthropic",
        "ANTHROPIC_API_KEY",
        "https://api.anthropic.com/v1",
        ("claude-haiku-4-5", "claude-sonnet-4-5"),
    ),
    Provider(
        "gemini",
        "GEMINI_API_KEY",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        ("gemini-2.5-flash-lite", "gemini-2.5-flash", "gemini-2.5-pro"),
    ),
    Provider(
        "groq", "GROQ_API_KEY", "https://api.groq.com/openai/v1", ("llama-3.1-8b-instant", "llama-3.3-70b-versatile")
    ),
    Provider(
        "mistral", "MISTRAL_API_KEY", "https://api.mistral.ai/v1", ("mistral-small-latest", "mistral-large-latest")
    ),
    Provider("deepseek", "DEEPSEEK_API_KEY", "https://api.deepseek.com/v1", ("deepseek-chat",)),
    Provider("xai", "XAI_API_KEY", "https://api.x.ai/v1", ("grok-3-mini", "grok-4")),
    Provider("cerebras", "CEREBRAS_API_KEY", "https://api.cerebras.ai/v1", ("gpt-oss-120b",)),
    Provider(
        "together", "TOGETHER_API_KEY", "https://api.together.xyz/v1", ("meta-llama/Llama-3.3-70B-Instruct-Turbo",)
    ),
    Provider("fireworks", "FIREWORKS_API_KEY", "https://api.fireworks.ai/inference/v1", ()),
    Provider("openrouter", "OPENROUTER_API_KEY", "https://openrouter.ai/api/v1", ()),
)


def found_providers() -> tuple[Provider, ...]:
    """Those whose key is in the environment."""
    return tuple(provider for provider in PROVIDERS if read_secret(provider.key))


def upstream_of(provider: Provider) -> UpstreamSettings:
    """The provider as settings: its listed models to choose from, any other passed on as it came."""
    listed = tuple(ModelSettings(name=name) for name in provider.models)
    return UpstreamSettings(
        name=provider.name,
        base_url=provider.base_url,
        api_key_env=provider.key,
        model=(*listed, ModelSettings(name="*", routable=False)),
    )
