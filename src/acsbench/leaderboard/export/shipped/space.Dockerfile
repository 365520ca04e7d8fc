# The engine's image with acsbench beside it. Not yet run.
FROM huggingface/competitions:latest

# A wheel of acsbench, made in its repository with: pip wheel --no-deps --wheel-dir SPACE .
COPY --chown=1000:1000 acsbench-*.whl /tmp/
RUN conda create --yes --prefix /app/acsbench python=3.12 \
    && /app/acsbench/bin/pip install --no-cache-dir /tmp/acsbench-*.whl

CMD uvicorn competitions.app:app --host 0.0.0.0 --port 7860 --workers 1
