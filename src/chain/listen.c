/* listen.c - who wants to hear of tipsets, pending messages and reverts. */
#include "chain_internal.h"

fvm_err fvm_chain_listen(fvm_chain *c, uint64_t *id, const fvm_chain_listener *listener)
{
    fvm__listener *l = fvm_mem_zalloc(c->alloc, sizeof *l);
    if (!l) return FVM_ERR_NOMEM;
    l->what = *listener;
    pthread_mutex_lock(&c->listeners_lock);
    l->id = ++c->last_listener;
    l->next = c->listeners;
    c->listeners = l;
    *id = l->id;
    pthread_mutex_unlock(&c->listeners_lock);
    return FVM_OK;
}

/* Calls are made under the lock, so none is under way when this returns. */
void fvm_chain_unlisten(fvm_chain *c, uint64_t id)
{
    fvm__listener *gone = NULL;
    pthread_mutex_lock(&c->listeners_lock);
    for (fvm__listener **at = &c->listeners; *at; at = &(*at)->next) {
        if ((*at)->id != id) continue;
        gone = *at;
        *at = gone->next;
        break;
    }
    pthread_mutex_unlock(&c->listeners_lock);
    fvm_mem_free(c->alloc, gone, sizeof *gone);
}

bool fvm__anybody_listens(fvm_chain *c)
{
    pthread_mutex_lock(&c->listeners_lock);
    bool any = c->listeners != NULL;
    pthread_mutex_unlock(&c->listeners_lock);
    return any;
}

void fvm__tell_tipset(fvm_chain *c, const fvm_tipset *tipset)
{
    pthread_mutex_lock(&c->listeners_lock);
    for (const fvm__listener *l = c->listeners; l; l = l->next)
        if (l->what.tipset) l->what.tipset(l->what.ctx, tipset);
    pthread_mutex_unlock(&c->listeners_lock);
}

void fvm__tell_pending(fvm_chain *c, const fvm_chain_message *message)
{
    pthread_mutex_lock(&c->listeners_lock);
    for (const fvm__listener *l = c->listeners; l; l = l->next)
        if (l->what.pending) l->what.pending(l->what.ctx, message);
    pthread_mutex_unlock(&c->listeners_lock);
}

void fvm__tell_reverted(fvm_chain *c, const fvm_tipset *gone, const fvm_tipset *head)
{
    pthread_mutex_lock(&c->listeners_lock);
    for (const fvm__listener *l = c->listeners; l; l = l->next)
        if (l->what.reverted) l->what.reverted(l->what.ctx, gone, head);
    pthread_mutex_unlock(&c->listeners_lock);
}

void fvm__tell_failed(fvm_chain *c, fvm_err err)
{
    pthread_mutex_lock(&c->listeners_lock);
    for (const fvm__listener *l = c->listeners; l; l = l->next)
        if (l->what.failed) l->what.failed(l->what.ctx, err);
    pthread_mutex_unlock(&c->listeners_lock);
}

void fvm_chain_watch(fvm_chain *c, const fvm_trace_sink *sink)
{
    pthread_mutex_lock(&c->writer);
    c->watcher = sink;
    pthread_mutex_unlock(&c->writer);
}
