"""Smoothed cross entropy of mixed pictures, and distillation."""

import torch.nn.functional as F


def mixed_cross_entropy(logits, first, second, share, smoothing: float):
    """Mean of share * loss(first) + (1 - share) * loss(second), float32, 0-d.

    logits [B, C]; first, second int64 [B]; share float [B]. `smoothing` of the target is
    spread evenly over all classes.
    """
    log_p = F.log_softmax(logits.float(), 1)
    one, other = (log_p.gather(1, labels[:, None])[:, 0] for labels in (first, second))
    hit = share * one + (1 - share) * other
    return -((1 - smoothing) * hit + smoothing * log_p.mean(1)).mean()


def mixed_hits(logits, first, second, share):
    """Correct answers, a mixed picture counted by its shares; 0-d"""
    answers = logits.detach().argmax(1)
    return (share * (answers == first) + (1 - share) * (answers == second)).sum()


def distillation_loss(logits, teacher_logits, temperature: float):
    """T^2 KL(teacher || network) of the distributions at temperature T, mean over the batch, 0-d"""
    student = F.log_softmax(logits.float() / temperature, 1)
    teacher = F.log_softmax(teacher_logits.float() / temperature, 1)
    return F.kl_div(student, teacher, reduction="batchmean", log_target=True) * temperature**2
